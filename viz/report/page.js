/* The report's page: tables, charts and the tree from the data that the page carries. Every text of the heap
 * goes in as text, never as markup. */
'use strict';
(function () {
const D = JSON.parse(document.getElementById('data').textContent);
/* What grew much and by jumps is told too, after the verdicts, and is none. */
const told = D.verdicts || [];
if (D.verdicts !== null) D.verdicts = told.filter(v => v.noisy === null);
const is_narrow = matchMedia('(max-width: 640px)').matches; // there what says most stands first
const ROWS_FIRST = 25, ROWS_FEW = 12, LEVELS = 14, CELL_HEIGHT = 24, CELL_LEAST = 0.001, MORE_LEAST = 0.03, LABEL_LEAST = 36, MORE_LABEL_LEAST = 64; // parts of the width; pixels
/* Of a sheet of paper, in the picture's own pixels: what is drawn at six tenths or more can be read. */
const STRIP = 1200, STRIP_OVERLAP = 220;
const byId = id => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';

/* A name of the heap may hold what turns the direction of text, controls and what nobody sees: they are shown as \u202e, \x1b, \n, as on a terminal (format/visible.c). */
const HOSTILE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Noncharacter_Code_Point}/gu;
function visible(text) {
  return String(text).replace(HOSTILE, letter => {
    const point = letter.codePointAt(0), plain = { 9: '\\t', 10: '\\n', 13: '\\r' }[point];
    return plain || (point < 0x100 ? '\\x' + point.toString(16).padStart(2, '0') : point < 0x10000 ? '\\u' + point.toString(16).padStart(4, '0') : '\\U' + point.toString(16).padStart(8, '0'));
  });
}
/* All text goes through here. */
function fill(element, attributes, children) {
  for (const name in attributes) element.setAttribute(name, name === 'title' || name === 'aria-label' ? visible(attributes[name]) : attributes[name]);
  for (const child of children) if (child !== null && child !== undefined) element.append(typeof child === 'string' ? visible(child) : child);
  return element;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/* Where the page stands before the objects themselves (`heaptrail serve`), what it names leads to them. */
const explorer = window.explorer;
const linked = (type, node) => explorer ? explorer.link(type, node) : node;

/* Numbers. */
const grouped = n => String(Math.abs(n)).replace(/\B(?=(\d{3})+$)/g, ',');
const count = n => (n < 0 ? '−' : '') + grouped(n);
function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = Math.abs(n), unit = 0;
  while (size >= 1023.95 && unit < 4) { size /= 1024; unit++; }
  const tenths = size * 10, half = Math.floor(tenths); /* a half goes to the even digit, as in cli/number.c */
  const rounded = tenths - half === 0.5 ? half + half % 2 : Math.round(tenths);
  return (n < 0 ? '−' : '') + (unit === 0 ? size : (rounded / 10).toFixed(1)) + ' ' + units[unit];
}
const change = (n, format) => n === 0 ? '0' : (n > 0 ? '+' : '') + format(n);
/* As much as a line holds; the whole is in the tooltip. */
function short(text, most) {
  const letters = [...text];
  return letters.length <= most ? text : letters.slice(0, Math.ceil(most / 2) - 1).join('') + '…' + letters.slice(-Math.floor(most / 2)).join('');
}
/* In a sentence words that are too long for a line are cut, and the sentence is not. */
const brief = text => short(text.replace(/\S{72,}/gu, word => short(word, 64)), 600);
/* A tap or click on a name that is cut shows the whole of it. Between its words a line may end. */
const breakable = text => visible(text).split(/(?<=[.:/_,\]])(?=[^.:/_,\]\s])/u).flatMap((part, i) => i === 0 ? [part] : [el('wbr', {}), part]);
function named(text, most = 90) {
  const most_here = is_narrow ? Math.min(most, 60) : most, node = el('span', { title: text }, ...breakable(short(text, most_here)));
  if ([...text].length <= most_here) return node;
  node.classList.add('cut');
  node.addEventListener('click', () => node.replaceChildren(...breakable(node.classList.toggle('cut') ? short(text, most_here) : text)));
  return node;
}
const sign = n => n > 0 ? 'up' : n < 0 ? 'down' : '';
function duration(seconds) {
  for (const [name, length] of [['d', 86400], ['h', 3600], ['min', 60]])
    if (seconds >= 1.5 * length) return +(seconds / length).toFixed(1) + ' ' + name;
  return +seconds.toFixed(seconds < 10 ? 1 : 0) + ' s';
}
const plural = (n, word) => count(n) + ' ' + word + (n === 1 ? '' : 's');
const last = list => list[list.length - 1];
const shots = D.snapshots, first = shots[0], now = last(shots);
const seconds = (now.taken_ns - first.taken_ns) / 1e9;

/* Head. */
byId('program').textContent = visible(D.title);
byId('process').textContent = visible([now.pid && 'pid ' + now.pid, now.host, now.runtime && now.runtime.replace(/^cpython /, 'CPython '),
  plural(shots.length, 'snapshot') + (seconds > 0 ? ' in ' + duration(seconds) : ''),
  now.taken_ns > 0 && (shots.length > 1 ? 'the last at ' : 'taken at ') + new Date(now.taken_ns / 1e6).toISOString().slice(0, 16).replace('T', ' ') + ' UTC'].filter(Boolean).join(' · '));

let dark = matchMedia('(prefers-color-scheme: dark)').matches;
function paint(dark) {
  for (const sheet of document.styleSheets)
    for (const rule of sheet.cssRules) {
      if (!rule.media) continue;
      rule.asWritten = rule.asWritten || rule.media.mediaText;
      if (rule.asWritten.includes('prefers-color-scheme')) rule.media.mediaText = dark ? 'all' : 'not all';
    }
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
}
byId('theme').addEventListener('click', () => paint(dark = !dark));
addEventListener('beforeprint', () => paint(false)); // paper is white
addEventListener('afterprint', () => paint(dark));

const argument = file => /[^\w./:-]/.test(file) ? "'" + file.replace(/'/g, "'\\''") + "'" : file;

/* What retains most: from the roots down the tree of dominators, to where what is below is no large part of the heap any more; and a type of the first
 * to ask `why` of, a class of the program's own sooner than what its objects hold. */
function holders() {
  const nodes = [], most = [], above = [];
  const bare = key => key.replace(/^\((?:several|[^)]*roots?)[^)]*\) /, '');
  for (const [depth, key, number, own, retained, isMore, letters] of D.icicle || []) {
    above.length = depth;
    const node = { words: (depth === 0 ? bare(key) : key) + (number > 1 ? ' ×' + count(number) : ''), number, own, retained, parent: last(above) || null, large: [], type: letters > 0 ? [...key].slice(-letters).join('') : '' };
    above.push(node);
    if (isMore || retained < 0.05 * now.heap) continue;
    nodes.push(node);
    if (node.parent) node.parent.large.push(node);
  }
  for (const node of nodes) {
    if (node.large.some(child => child.retained >= 0.8 * node.retained) || node.number === 1 && node.large.reduce((sum, child) => sum + child.retained, 0) >= 0.5 * node.retained) continue;
    const way = [];
    for (let at = node; at; at = at.parent) way.unshift(at);
    let whole = way.length - 1;
    while (whole > 0 && way[whole - 1].large.length === 1 && way[whole].retained >= 0.8 * way[whole - 1].retained) whole--;
    most.push({ way, retained: way[whole].retained });
  }
  most.sort((a, b) => b.retained - a.retained);
  const types = most.length === 0 ? [] : most[0].way.filter(node => node.type !== '').sort((a, b) => (b.type.includes('.') - a.type.includes('.')) || b.own - a.own);
  return { most: most.slice(0, 4), type: types.length > 0 ? types[0].type : null };
}

/* Verdict. */
(function () {
  const grown = now.heap - first.heap, list = byId('verdict-list');
  let head, note = '';
  if (shots.length < 2) {
    const { most, type } = holders();
    head = most.length > 0 ? 'One snapshot: most is held by ' + brief(most[0].way[0].words) + ', ' + bytes(most[0].way[0].retained) + ' of ' + bytes(now.heap) + '.' : 'One snapshot: what holds memory now.';
    list.append(...most.map(({ way, retained }) => el('li', {}, bytes(retained) + ', ' + Math.round(100 * retained / Math.max(1, now.heap)) + ' % of the heap: ', el('span', { class: 'mono' }, brief(way.map(node => node.words).join(' → '))))));
    if (type !== null) byId('verdict-note').before(el('p', {}, 'Go on with ', el('code', {}, 'heaptrail why ' + argument(now.file) + ' ' + argument('type:' + type)), ': who holds them.'));
    note = 'What leaks is told by two snapshots or more of one process: heaptrail leaks ' + argument(now.file) + ' LATER.htrail';
    byId('verdict').classList.add('open');
  } else if (D.verdicts === null) {
    head = change(grown, bytes) + ' in ' + duration(seconds) + '.';
    note = D.verdicts_why;
    byId('verdict').classList.add('open');
  } else if (D.verdicts.length === 0) {
    const much = grown >= 65536 && grown >= 0.1 * first.heap; // as `leaks` says it
    head = much ? 'No verdict: nothing grew steadily, but the heap grew by ' + Math.round(100 * grown / first.heap) + ' %.' : 'No leak found: nothing grew steadily.';
    note = 'The heap changed by ' + change(grown, bytes) + ' in ' + duration(seconds) + '.' +
      (!much ? '' : told.length > 0 ? ' Most of that hangs on what is named here.' : ' heaptrail leaks --noisy names what grew otherwise; more snapshots, some time apart, tell what goes on growing.');
    byId('verdict').classList.toggle('open', much);
  } else {
    const explained = D.verdicts.reduce((sum, v) => sum + v.retained, 0);
    const share = grown > 0 ? Math.min(100, Math.round(100 * explained / grown)) : null;
    head = 'Leaking: ' + change(grown, bytes) + ' in ' + duration(seconds) +
      (seconds >= 60 ? ' (' + change(Math.round(grown / seconds * 3600), bytes) + ' an hour)' : '') + '. ' +
      plural(D.verdicts.length, 'cause') + (share === null ? '.' : (D.verdicts.length === 1 ? ' explains ' : ' explain ') + share + ' % of it.');
    byId('verdict').classList.add('leaks');
  }
  told.forEach((v, i) => list.append(el('li', {}, el('span', { title: v.verdict }, brief(v.verdict)), ' ', v.has_chain ? el('a', { href: '#chain-' + (i + 1) }, 'chain') : null)));
  byId('verdict-head').textContent = head;
  byId('verdict-note').textContent = note;
})();

/* Each suspect, above its picture: how it grew, where it was allocated, the chain in words, how to go on. */
const sites = v => v.sites.slice(0, 3).map(([file, line, name, share]) => file.replace(/.*\//, '') + ':' + line + (name ? ' ' + name : '') + ' (' + Math.round(share * 100) + ' %)').join(', ');
const retainedBy = { container: 'by what gathers there, and the container itself', spread: 'by what gathers there, and the containers themselves', threads: 'by these threads alone',
  modules: 'by all copies of all of them', length: 'by the object itself' };
told.forEach((v, i) => {
  const section = byId('chain-' + (i + 1));
  if (section === null) return;
  const facts = el('dl', { class: 'facts' }), fact = (name, ...what) => facts.append(el('div', {}, el('dt', {}, name), el('dd', {}, ...what)));
  const objects = v.growth.map(g => g[0]), retained = v.growth.map(g => g[1]);
  if (v.growth.length > 0) {
    if (last(objects) > 0) fact({ threads: 'threads', modules: 'copies' }[v.kind] || 'objects', el('span', { class: 'figure' }, count(objects[0]) + ' → ' + count(last(objects))), spark(objects, count));
    fact('retained', el('span', { class: 'figure' }, bytes(retained[0]) + ' → ' + bytes(last(retained))), spark(retained, bytes),
      el('span', { class: 'dim' }, '\u2002' + (retainedBy[v.kind] || 'by what gathers there')));
  }
  if (v.sites.length > 0) fact('allocated at', el('span', { class: 'mono', title: v.sites.map(s => s[0] + ':' + s[1]).join(', ') }, sites(v)));
  if (v.steps.length > 0) fact('held by', el('ol', { class: 'steps' }, ...v.steps.map(([reference, type, name, number], at) =>
    el('li', {}, at === 0 ? '' : el('span', { class: 'dim' }, ' ─' + short(reference, 60) + '→ '), short([type, name].filter(Boolean).join(' '), 80) + (number > 1 ? ' ×' + count(number) : '')))));
  const next = v.kind === 'threads' ? 'threads ' + argument(first.file) + ' ' + argument(now.file) : v.example !== null ? 'why ' + argument(now.file) + ' id:' + v.example : null;
  if (next !== null) fact('go on with', el('code', { class: 'mono' }, 'heaptrail ' + next));
  section.querySelector('p.verdict').replaceChildren(el('span', { title: v.verdict }, brief(v.verdict)));
  section.querySelector('p.verdict').after(facts);
});

/* Tiles. */
(function () {
  const tile = (name, key, format) => {
    if (now[key] === null || now[key] === undefined) return;
    const changed = first[key] === null || first[key] === undefined ? null : now[key] - first[key];
    byId('tiles').append(el('dl', { class: 'tile' }, el('dt', {}, name), el('dd', {}, format(now[key])),
      shots.length > 1 && changed !== null ? el('dd', { class: sign(changed) }, changed === 0 ? 'no change' : change(changed, format)) : null));
  };
  tile('RSS', 'rss', bytes);
  tile('Python heap', 'heap', bytes);
  tile('malloc in use', 'malloc', bytes);
  tile('objects', 'objects', count);
  tile('threads', 'threads', count);
})();

/* Memory over time. */
function ticks(most) {
  const rough = most / 4, power = Math.pow(2, Math.floor(Math.log2(Math.max(rough, 1))));
  const step = rough / power > 1.5 ? power * 2 : power, list = [];
  for (let at = 0; list.length === 0 || last(list) < most; at += step) list.push(at);
  return list;
}
(function () {
  const series = [['RSS', 'rss'], ['malloc in use', 'malloc'], ['Python heap', 'heap']].filter(s => shots.every(shot => typeof shot[s[1]] === 'number'));
  if (shots.length < 2 || series.length === 0) { byId('memory').hidden = true; return; }
  const marks = ticks(Math.max(...series.map(s => Math.max(...shots.map(shot => shot[s[1]]))))), most = last(marks);
  const text = 'Memory over time: ' + series.map(s => s[0] + ' from ' + bytes(first[s[1]]) + ' to ' + bytes(now[s[1]])).join(', ');
  /* As wide as there is room, so that letters keep their size; where there is little the names go below. */
  function draw(W) {
    const is_narrow = W < 640, H = is_narrow ? 200 : 240, L = 66, R = is_narrow ? 14 : 190, T = 12, B = 26;
    const x = i => L + (W - L - R) * (seconds > 0 ? (shots[i].taken_ns - first.taken_ns) / 1e9 / seconds : i / (shots.length - 1));
    const y = v => T + (H - T - B) * (1 - v / most);
    const chart = svg('svg', { viewBox: '0 0 ' + W + ' ' + H, role: 'img', 'aria-label': text });
    for (const tick of marks) {
      chart.append(svg('line', { class: 'grid', x1: L, x2: W - R, y1: y(tick), y2: y(tick) }));
      chart.append(svg('text', { x: L - 8, y: y(tick) + 4, 'text-anchor': 'end' }, bytes(tick)));
    }
    const room = is_narrow ? 76 : 60;
    let labelled = -1000;
    shots.forEach((shot, i) => {
      if (x(i) - labelled < room || (i !== shots.length - 1 && x(shots.length - 1) - x(i) < room)) return;
      labelled = x(i);
      chart.append(svg('text', { x: x(i), y: H - 8, 'text-anchor': i === shots.length - 1 && is_narrow ? 'end' : 'middle' }, i === 0 ? 'first' : '+' + duration((shot.taken_ns - first.taken_ns) / 1e9)));
    });
    const names = el('ul', { class: 'names' });
    let free = Infinity;
    series.map((s, i) => [s, i]).sort((a, b) => now[a[0][1]] - now[b[0][1]]).forEach(([s, i]) => {
      chart.append(svg('polyline', { class: 'line s' + i, points: shots.map((shot, n) => x(n).toFixed(1) + ',' + y(shot[s[1]]).toFixed(1)).join(' ') }));
      shots.forEach((shot, n) => chart.append(svg('circle', { class: 'dot s' + i, cx: x(n).toFixed(1), cy: y(shot[s[1]]).toFixed(1), r: shots.length > 30 ? 2 : 3 }, svg('title', {}, s[0] + ' ' + bytes(shot[s[1]]) + ', ' + shot.file))));
      free = Math.min(y(now[s[1]]) + 4, free - 15);
      if (is_narrow) names.prepend(el('li', { class: 's' + i }, s[0] + ' ' + bytes(now[s[1]])));
      else chart.append(svg('text', { class: 'end s' + i, x: W - R + 10, y: free }, s[0] + ' ' + bytes(now[s[1]])));
    });
    byId('memory-chart').replaceChildren(chart, is_narrow ? names : '');
  }
  let drawn = 0;
  function fit() {
    const width = Math.max(280, Math.min(1118, byId('memory-chart').clientWidth));
    if (width !== drawn) draw(drawn = width);
  }
  new ResizeObserver(fit).observe(byId('memory-chart'));
  fit();
})();

/* Tables. A column: name, head, value of a row (to sort by), cell of a row. */
function spark(values, format = bytes) {
  const W = 72, H = 20, low = Math.min(...values), high = Math.max(...values), range = high - low;
  const points = values.map((v, i) => [3 + (W - 6) * i / Math.max(1, values.length - 1), range === 0 ? H / 2 : H - 3 - (H - 6) * (v - low) / range]);
  const picture = svg('svg', { width: W, height: H, viewBox: '0 0 ' + W + ' ' + H, role: 'img', 'aria-label': 'from ' + format(values[0]) + ' to ' + format(last(values)) });
  picture.append(svg('polyline', { points: points.map(p => p[0].toFixed(1) + ',' + p[1].toFixed(1)).join(' '), fill: 'none', stroke: 'var(--accent)', 'stroke-width': 1.5 }));
  picture.append(svg('circle', { cx: last(points)[0], cy: last(points)[1], r: 2, fill: 'var(--accent)' }));
  return picture;
}

function table(panel, columns, rows, sorted) {
  const head = el('tr', {}), body = el('tbody', {});
  const order = (a, b) => {
    const value = columns[sorted.column].value || (() => 0), left = value(a), right = value(b);
    const way = typeof left === 'string' ? (left < right ? -1 : left > right ? 1 : 0) : left - right;
    return sorted.down ? -way : way;
  };
  columns.forEach((column, i) => {
    const cell = el('th', { scope: 'col', class: column.class || '' });
    if (column.value) {
      cell.dataset.head = column.head; // on paper, where a button would be on the first page alone
      const button = el('button', { type: 'button' }, column.head + (i === sorted.column ? (sorted.down ? ' ▾' : ' ▴') : ''));
      if (i === sorted.column) cell.setAttribute('aria-sort', sorted.down ? 'descending' : 'ascending');
      button.addEventListener('click', () => {
        const again = i === sorted.column;
        sorted.down = again ? !sorted.down : !column.is_text;
        sorted.column = i;
        sorted.draw();
        const now = panel.querySelectorAll('th')[i].querySelector('button');
        if (now) now.focus();
      });
      cell.append(button);
    } else cell.append(column.head);
    head.append(cell);
  });
  const list = rows.slice().sort(order);
  for (const row of sorted.limit ? list.slice(0, sorted.limit) : list)
    body.append(el('tr', {}, ...columns.map(column => column.cell(row))));
  panel.replaceChildren(el('table', sorted.label ? { 'aria-label': sorted.label } : {}, el('thead', {}, head), body));
}

const number = (value, format) => el('td', {}, value === null ? '' : format(value));
const changed = (value, format) => el('td', { class: sign(value) }, change(value, format));

/* Growth. */
(function () {
  const names = { type: 'by type', module: 'by module', owner: 'by owner', package: 'by package', site: 'by allocation site', thread: 'by thread', root: 'by root' };
  const blank = { owner: "(nobody's)", package: "(nobody's)", module: '(no module)' };
  const known = Object.keys(names).filter(by => D.groups[by] && D.groups[by].rows.length > 0);
  const tabs = byId('growth-tabs'), panel = byId('growth-panel'), filter = byId('growth-filter'), more = byId('growth-more');
  const pair = shots.length > 1;
  byId('growth-head').textContent = pair ? 'Growth since the first snapshot' : 'What there is';
  if (known.length === 0) { byId('growth').hidden = true; return; }
  let by = known[0];
  const sorted = { column: is_narrow ? 1 : pair ? 4 : 3, down: true, limit: ROWS_FIRST, draw };
  const suspects = {};
  /* A verdict is about its objects, not about all of their type; modules loaded again are of every type. */
  (D.verdicts || []).forEach((v, i) => { if (v.type && v.kind !== 'modules' && !(v.type in suspects)) suspects[v.type] = [i + 1, last(v.growth)[0]]; });
  const ofWhich = r => suspects[r[0]][1] > 0 && 10 * suspects[r[0]][1] < 9 * last(r[1]) ? 'suspect: ' + count(suspects[r[0]][1]) + ' of ' + count(last(r[1])) : 'suspect';
  const columnsOf = () => {
    const most = Math.max(1, ...D.groups[by].rows.map(r => Math.abs(last(r[2]) - r[2][0])));
    const name = { head: 'name', class: 'name', is_text: true, value: r => r[0], cell: r => el('td', { class: 'name' }, by === 'type' ? linked(r[0], named(r[0] || '(no name)')) : named(r[0] || blank[by] || '(no name)'),
      by === 'type' && r[0] in suspects ? el('a', { class: 'pill', href: '#chain-' + suspects[r[0]][0] }, ofWhich(r)) : null) };
    /* Of samples: about so much, and the standard error. */
    const about = (cell, error, format) => {
      if (error > 0) { cell.prepend('≈ '); cell.append(el('span', { class: 'error' }, ' ± ' + format(Math.round(error)))); }
      return cell;
    };
    const errors = r => r[4] || [0, 0, 0, 0];
    const objects = { head: 'objects', value: r => last(r[1]), cell: r => about(number(last(r[1]), count), errors(r)[0], count) };
    const own = { head: 'own bytes', value: r => last(r[2]), cell: r => about(number(last(r[2]), bytes), errors(r)[1], bytes) };
    const has_retained = D.groups[by].rows.some(r => r[3] !== null);
    const retained = { head: 'retained', value: r => r[3] === null ? -1 : r[3], cell: r => number(r[3], bytes) };
    if (!pair) return (is_narrow ? [name, own, retained, objects] : [name, objects, retained, own]).filter(column => has_retained || column !== retained);
    const more_objects = { head: 'Δ objects', value: r => last(r[1]) - r[1][0], cell: r => last(r[1]) === r[1][0] ? changed(0, count) : about(changed(last(r[1]) - r[1][0], count), errors(r)[2], count) };
    const more_bytes = { head: 'Δ bytes', value: r => last(r[2]) - r[2][0], cell: r => {
      const n = last(r[2]) - r[2][0], cell = n === 0 ? changed(n, bytes) : about(changed(n, bytes), errors(r)[3], bytes);
      cell.classList.add('change');
      if (n !== 0) {
        cell.style.backgroundImage = 'linear-gradient(var(--' + sign(n) + '-bar),var(--' + sign(n) + '-bar))';
        cell.style.backgroundSize = (100 * Math.abs(n) / most).toFixed(1) + '% calc(100% - 8px)';
      }
      return cell;
    } };
    const trend = { head: 'trend', class: 'trend', cell: r => el('td', { class: 'trend' }, spark(r[2])) };
    const all = is_narrow ? [name, more_bytes, trend, own, more_objects, objects, retained] : [name, objects, more_objects, own, more_bytes, retained, trend];
    return has_retained ? all : all.filter(column => column !== retained);
  };
  function draw() {
    const words = filter.value.toLowerCase(), all = D.groups[by].rows, columns = columnsOf();
    const rows = words ? all.filter(r => r[0].toLowerCase().includes(words)) : all;
    if (sorted.column >= columns.length) sorted.column = columns.length - 1;
    sorted.label = byId('growth-head').textContent + ', ' + names[by];
    table(panel, columns, rows, sorted);
    const shown = sorted.limit ? Math.min(rows.length, sorted.limit) : rows.length, left = D.groups[by].left;
    byId('growth-count').textContent = shown + ' of ' + count(all.length);
    byId('growth-left').textContent = (left > 0 ? count(left) + (left === 1 ? ' small one is' : ' small ones are') + ' not in this page.' : '') +
      (all.some(r => r[4]) ? ' ≈ is about so much, estimated from a sample of the allocations; ± is the standard error.' : '');
    more.hidden = shown === rows.length;
    more.textContent = 'show all ' + count(rows.length);
  }
  known.forEach((key, i) => {
    const tab = el('button', { type: 'button', role: 'tab', 'aria-selected': 'false', id: 'tab-' + key, 'aria-controls': 'growth-panel' }, names[key]);
    const choose = () => {
      by = key;
      sorted.limit = ROWS_FIRST;
      for (const other of tabs.children) {
        other.setAttribute('aria-selected', String(other === tab));
        other.tabIndex = other === tab ? 0 : -1;
      }
      panel.setAttribute('aria-labelledby', tab.id);
      draw();
    };
    tab.addEventListener('click', choose);
    tab.addEventListener('keydown', event => {
      const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? known.length - 1 : 0;
      if (step === 0) return;
      const next = tabs.children[(i + step) % known.length];
      next.focus();
      next.click();
    });
    tabs.append(tab);
    if (i === 0) choose();
  });
  filter.addEventListener('input', draw);
  more.addEventListener('click', () => { sorted.limit = 0; draw(); });
})();

/* The dominator tree. Rows are in the order of a walk from the top: depth, key, count, own bytes, retained, whether it is the rest, letters of the type at the end of key. */
(function () {
  if (!D.icicle || D.icicle.length === 0) { byId('icicle').hidden = true; return; }
  const top = { key: 'heap', count: now.objects, own: 0, retained: now.heap, depth: -1, parent: null, children: [] };
  const stack = [top];
  for (const [depth, key, number, own, retained, is_more, type_length] of D.icicle) {
    while (last(stack).depth >= depth) stack.pop();
    const node = { key, count: number, own, retained, depth, parent: last(stack), children: [], is_more: Boolean(is_more), type: type_length > 0 ? [...key].slice(-type_length).join('') : null };
    last(stack).children.push(node);
    stack.push(node);
  }
  /* Nodes that a verdict names: on the way of its chain, as far as that is in the tree, the container and what gathers in it; of threads the
   * frames they stand in; of modules loaded again their dicts. Another dict, or another function, is none. */
  const suspected = new Set();
  const bare = key => key.replace(/^\((?:several|[^)]*roots?)[^)]*\) /, '');
  const labels = reference => [reference.replace(/^\['(.*)'\]$/, '[$1]').replace(/^\[(?:i|\.\.\.)\]$/, '[*]').replace(/^__/, '.__'), '(several ways)'];
  for (const v of D.verdicts || []) {
    const steps = v.steps, end = steps.length - 1;
    const copied = v.kind === 'modules' ? (v.verdict.match(/^modules? (.*?) loaded again/) || ['', ''])[1].split(/, | and /) : [];
    const isStep = (node, i) => {
      const [reference, type, name] = steps[i];
      const known = name || (reference === '__dict__' ? steps[i - 1][2] : '');
      if (node.depth === 0) return (known !== '' || i === end && type.includes('.')) && bare(node.key) === [type, known].filter(Boolean).join(' ');
      return labels(reference).some(label => node.key.replace(/^\[\([^)]*\)\] /, '[*] ') === label + ' ' + type) && (i < end || !node.key.startsWith('(') || 20 * Math.abs(node.count - steps[i][3]) <= node.count);
    };
    const waiting = top.children.map(node => [node, 0]);
    while (waiting.length > 0) {
      const [node, from] = waiting.pop();
      let at = -1;
      for (let i = from; i <= end && at < 0 && !node.is_more; i++) if (isStep(node, i)) at = i;
      if (v.kind === 'threads' && node.depth === 0 && steps.length > 0 && node.key.startsWith('frame: ' + steps[0][1].slice('frame '.length))) suspected.add(node);
      if (node.depth === 0 && copied.some(name => bare(node.key) === 'dict ' + name)) suspected.add(node);
      if (at < 0) continue;
      if (at >= end - 1 || v.kind === 'length' && at === end) suspected.add(node);
      for (const child of node.children) waiting.push([child, at === end ? end : at + 1]);
    }
  }
  const isSuspect = node => suspected.has(node);
  const rows = byId('icicle-rows'), path = byId('icicle-path'), search = byId('icicle-search');
  let zoomed = top, wide = 1000;
  const kind = node => node.is_more ? 'more' : node.depth < 0 ? 'k0' : node.depth === 0 ? 'k0' : /(^| )module /.test(node.key) ? 'k1' : /(^| )(function|type|code)( |$)/.test(node.key) ? 'k3' : /(^| )frame/.test(node.key) ? 'k4' : 'k2';
  /* In a narrow cell what it is comes before how it is held. */
  const label = (node, pixels = 1000) => short(node.key.replace(pixels < 150 && !node.is_more ? /^\([^)]*\) / : /^\(several roots\) /, ''), 80) + (node.count > 1 && node !== top ? ' ×' + count(node.count) : '') + '  ' + bytes(node.retained);
  function cell(node, left, width, row) {
    const pixels = width * wide, is_blank = pixels < (node.is_more ? MORE_LABEL_LEAST : LABEL_LEAST);
    const words = search.value.toLowerCase();
    const found = words !== '' && node.key.toLowerCase().includes(words);
    const part = el('button', { type: 'button', class: 'cell ' + kind(node) + (isSuspect(node) ? ' suspect' : '') + (words === '' ? '' : found ? ' hit' : ' miss') + (is_blank ? ' thin' : ''),
      title: node.key + (node.count > 1 ? ' ×' + count(node.count) : '') + ', ' + bytes(node.retained) + ' retained, ' + (100 * node.retained / Math.max(1, now.heap)).toFixed(1) + ' % of the heap; own ' + bytes(node.own) }, is_blank ? '' : label(node, pixels));
    if (!part.textContent) part.setAttribute('aria-label', label(node));
    part.style.left = (100 * left) + '%';
    part.style.width = (100 * width) + '%';
    part.style.top = row * CELL_HEIGHT + 'px';
    part.tabIndex = rows.firstChild === null ? 0 : -1; // one stop of Tab; arrows go on
    part.dataset.row = row;
    part.addEventListener('click', () => { zoom(node === zoomed && node.parent ? node.parent : node); rows.firstChild.focus({ preventScroll: true }); });
    rows.append(part);
  }
  function draw() {
    const waiting = [[zoomed, 0, 1, 0]];
    let deepest = 0;
    wide = rows.clientWidth || 1000;
    rows.replaceChildren();
    while (waiting.length > 0) {
      const [node, left, width, row] = waiting.pop();
      cell(node, left, width, row);
      deepest = Math.max(deepest, row);
      if (row + 1 >= LEVELS) continue;
      const total = Math.max(node.retained, node.children.reduce((sum, child) => sum + child.retained, 0), 1);
      let at = left;
      const placed = [];
      for (const child of node.children) {
        const share = width * child.retained / total;
        if (share >= (child.is_more ? MORE_LEAST : CELL_LEAST)) placed.push([child, at, share, row + 1]);
        at += share;
      }
      waiting.push(...placed.reverse());
    }
    rows.style.height = (deepest + 1) * CELL_HEIGHT + 'px';
  }
  function zoom(node) {
    zoomed = node;
    const up = [];
    for (let at = node; at !== null; at = at.parent) up.unshift(at);
    path.replaceChildren(...up.map(at => {
      const step = el('button', { type: 'button', 'aria-current': String(at === node) }, short(at.key, 40));
      step.addEventListener('click', () => zoom(at));
      return step;
    }));
    if (explorer && node.type) path.append(explorer.link(node.type, 'objects of type ' + short(visible(node.type), 60)));
    draw();
  }
  const colours = [['k0', 'held by a root'], ['k1', 'module'], ['k3', 'function, type, code'], ['k4', 'frame'], ['k2', 'other objects']], nodes = [];
  for (const waiting = top.children.slice(); waiting.length > 0;) {
    const node = waiting.pop();
    nodes.push(node);
    waiting.push(...node.children);
  }
  byId('icicle-legend').append(...colours.filter(([name]) => nodes.some(node => kind(node) === name)).map(([name, words]) => el('li', { class: name }, words)),
    ...(nodes.some(isSuspect) ? [el('li', { class: 'suspect' }, 'a suspect')] : []));
  search.addEventListener('input', draw);
  /* Left and right: of the same level; down: into what is below; up. */
  rows.addEventListener('keydown', event => {
    const from = event.target, cells = [...rows.children], middle = part => part.offsetLeft + part.offsetWidth / 2;
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    const row = Number(from.dataset.row) + step[0];
    const there = cells.filter(part => Number(part.dataset.row) === row && (step[0] !== 0 || (middle(part) - middle(from)) * step[1] > 0));
    there.sort((a, b) => step[0] > 0 ? b.offsetWidth - a.offsetWidth : Math.abs(middle(a) - middle(from)) - Math.abs(middle(b) - middle(from)));
    const next = step[0] > 0 ? there.find(part => part.offsetLeft >= from.offsetLeft - 1 && part.offsetLeft < from.offsetLeft + from.offsetWidth) : there[0];
    event.preventDefault();
    if (!next) return;
    from.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  byId('icicle').addEventListener('keydown', event => { if (event.key === 'Escape' && zoomed.parent) { zoom(zoomed.parent); rows.firstChild.focus(); } });
  zoom(top);
})();

/* Threads, waste, and what is not explained. */
function fixed(id, columns, rows) {
  if (!rows || rows.length === 0) { byId(id).hidden = true; return; }
  const panel = byId(id + '-panel'), more = el('button', { type: 'button', class: 'show-more' }, 'show all ' + count(rows.length));
  const sorted = { column: id === 'waste' ? columns.findIndex(c => c.head === 'would come back') : columns.findIndex(c => c.value && !c.is_text), down: true, limit: rows.length > ROWS_FEW + 3 ? ROWS_FEW : 0, label: byId(id + '-head').textContent,
    draw: () => table(panel, columns, rows, sorted) };
  sorted.draw();
  if (sorted.limit === 0) return;
  more.addEventListener('click', () => { sorted.limit = 0; more.hidden = true; sorted.draw(); });
  panel.after(more);
}
const text = (head, at) => ({ head, class: 'name', is_text: true, value: r => r[at], cell: r => el('td', { class: 'name' }, named(r[at], 300)) });
const figure = (head, at, format) => ({ head, value: r => r[at] === null ? -1 : r[at], cell: r => number(r[at], format) });
const growth = (head, at, before, format) => ({ head, value: r => r[at] - r[before], cell: r => changed(r[at] - r[before], format) });
/* On a narrow page what says most stands right beside the name. */
const threads = [text('stack, innermost first', 0), figure('threads', 1, count), ...(shots.length > 1 ? [growth('Δ threads', 1, 2, count)] : []), figure('retained', 3, bytes),
  ...(shots.length > 1 ? [growth('Δ retained', 3, 4, bytes)] : [])];
fixed('threads', is_narrow ? [threads[0], ...threads.slice(1).reverse()] : threads, D.threads);
const waste = [text('what', 0), text('held by', 1), figure('objects', 2, count), figure('would come back', 3, bytes)];
const wasted = { ...waste[0], cell: r => el('td', { class: 'name' }, named(r[0], 300), el('div', { class: 'dim' }, 'held by ', named(r[1], 300))) };
fixed('waste', is_narrow ? [wasted, waste[3], waste[2]] : waste, D.waste);
(function () {
  const rows = D.unexplained;
  if (!rows || rows.length === 0) { byId('unexplained').hidden = true; return; }
  const columns = [{ head: 'of the memory of the process', class: 'name', cell: r => el('td', { class: 'name' }, r[0]) }, { head: 'bytes', cell: r => number(last(r[1]), bytes) }];
  if (shots.length > 1) columns.push({ head: 'Δ bytes', cell: r => changed(last(r[1]) - r[1][0], bytes) }, { head: 'trend', class: 'trend', cell: r => el('td', { class: 'trend' }, spark(r[1])) });
  if (is_narrow && shots.length > 1) columns.splice(1, 3, columns[2], columns[1], columns[3]);
  table(byId('unexplained-panel'), columns, rows, { column: 0, down: false, limit: 0, label: 'What is not explained', draw() {} });
})();
byId('foot').textContent = visible('heaptrail ' + D.version + ' · ' + shots.map(shot => shot.file.replace(/.*\//, '')).join(', '));

/* What there is on this page. What is wider than the page can be scrolled by keys. */
(function () {
  for (const section of document.querySelectorAll('main section')) {
    const head = section.querySelector('h2');
    if (section.hidden || head === null || section.id === 'verdict') continue;
    byId('contents').append(el('a', { href: '#' + section.id }, head.textContent));
  }
  const wide = new ResizeObserver(entries => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else if (!target.id.startsWith('chain-')) target.removeAttribute('tabindex');
    }
  });
  for (const part of document.querySelectorAll('.scroll, .picture')) wide.observe(part);
  for (const part of document.querySelectorAll('.picture')) {
    const picture = part.querySelector('svg'), section = part.closest('section').id.split('-')[1];
    legend(part, picture);
    strips(part, picture);
    if (part.scrollWidth > part.clientWidth) begin(part, picture, told[section - 1]);
  }
})();

/* What stands below the cards of a picture goes below the picture itself, where its lines end where those of the page do. */
function legend(part, picture) {
  const cards = picture.querySelectorAll(':scope > g.n'), items = [];
  let symbols = [], item = cards.length > 0 ? last(cards).nextElementSibling : null;
  const top = Math.max(...[...cards].map(card => { const box = card.getBBox(); return box.y + box.height; }));
  while (item) {
    const next = item.nextElementSibling;
    if (item.matches('text.s')) {
      const box = symbols.map(symbol => symbol.getBBox()), left = Math.min(...box.map(b => b.x)), wide = Math.max(...box.map(b => b.x + b.width)) - left, middle = Number(item.getAttribute('y')) - 4;
      const sign = svg('svg', { class: 'htrail', width: wide + 4, height: 18, viewBox: [left - 2, middle - 9, wide + 4, 18].join(' '), 'aria-hidden': 'true' }, ...symbols);
      items.push(el('li', {}, sign, item.textContent));
      item.remove();
      symbols = [];
    } else symbols.push(item);
    item = next;
  }
  if (items.length === 0) return;
  part.after(el('ul', { class: 'legend', 'aria-label': 'What the picture means' }, ...items));
  picture.setAttribute('height', Math.ceil(top + 24));
  picture.setAttribute('viewBox', '0 0 ' + picture.getAttribute('width') + ' ' + Math.ceil(top + 24));
}

/* On paper nobody scrolls: a picture that could not be read at the width of a sheet is cut into strips, with what stands at a cut on both. */
function strips(part, picture) {
  const width = Number(picture.getAttribute('width')), height = Number(picture.getAttribute('height'));
  if (width <= STRIP) return;
  const number = Math.ceil((width - STRIP_OVERLAP) / (STRIP - STRIP_OVERLAP)), each = (width + (number - 1) * STRIP_OVERLAP) / number;
  part.after(el('div', { class: 'strips', 'aria-hidden': 'true' }, ...Array.from({ length: number }, (_, i) => {
    const copy = picture.cloneNode(true);
    for (const node of copy.querySelectorAll('[id], style')) if (node.id) node.removeAttribute('id'); else node.remove();
    copy.setAttribute('viewBox', [i * (each - STRIP_OVERLAP), 0, each, height].join(' '));
    copy.setAttribute('width', each);
    return el('figure', {}, el('figcaption', {}, 'the picture from left to right, part ' + (i + 1) + ' of ' + number), copy);
  })));
}

/* Where a picture is wider than the page it begins at its root, the one that the verdict names, below its question; what more there is at a side is said. */
function begin(part, picture, v) {
  const words = name => [...part.querySelectorAll('text.' + name)].map(text => text.textContent).join(' ');
  const left = el('span', {}, '← more'), right = el('span', {}, 'more →');
  part.classList.add('captioned');
  const drawn = [...picture.querySelectorAll('g.n, g.e')].map(node => node.getBBox()), from = Math.min(...drawn.map(b => b.x)) - 6, width = Math.max(...drawn.map(b => b.x + b.width)) + 6 - from;
  picture.setAttribute('viewBox', [from, 50, width, picture.getAttribute('height') - 50].join(' ')); // without the room that its title had
  picture.setAttribute('width', width);
  picture.setAttribute('height', picture.getAttribute('height') - 50);
  part.before(el('p', { class: 'question' }, el('b', {}, words('h1')), ' ', el('span', { class: 'dim' }, words('h2'))), el('p', { class: 'sides dim' }, left, right));
  const title = card => card.querySelector('title').textContent, roots = [...part.querySelectorAll('g.root')];
  const named = v && v.steps.length > 0 ? [v.steps[0][2], v.steps[0][1]].filter(Boolean) : [];
  const root = roots.find(card => named.some(name => title(card).includes(name))) || roots[0] || part.querySelector('g.n');
  const box = root.querySelector('.box').getBoundingClientRect(), place = part.getBoundingClientRect();
  part.scrollLeft += Math.min(box.left - place.left - 12, box.left + box.width / 2 - place.left - part.clientWidth / 2);
  const sides = () => {
    left.style.visibility = part.scrollLeft > 4 ? 'visible' : 'hidden';
    right.style.visibility = part.scrollLeft + part.clientWidth < part.scrollWidth - 4 ? 'visible' : 'hidden';
  };
  part.addEventListener('scroll', sides, { passive: true });
  sides();
}

document.addEventListener('keydown', event => {
  if (event.key === '/' && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) {
    event.preventDefault();
    byId('growth-filter').focus();
  }
});
if (explorer) explorer.start({ D, el, svg, visible, bytes, count, short, named, plural, table, number });
})();
