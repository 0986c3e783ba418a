/* The explorer (`heaptrail serve`): the objects behind the report's page, asked of the server that the page came from. A view has
 * an address behind the '#': /SNAPSHOT/object/ID, /SNAPSHOT/type/NAME, /SNAPSHOT/types/WORDS, /SNAPSHOT/sql/QUERY; all else
 * is the report. Every text of a heap goes in as text, never as markup. */
'use strict';
(function () {
const PAGE = 100, WAIT_MS = 400, PAUSE_MS = 200;
const EXAMPLES = [
  ['types by what they retain', 'SELECT key AS type, count, bytes, retained FROM total WHERE "by" = \'type\' ORDER BY retained DESC LIMIT 20'],
  ['largest containers', 'SELECT id, type, module, length, retained FROM object WHERE length > 1000 ORDER BY retained DESC LIMIT 20'],
  ['threads', 'SELECT tid, name, comm, state, key, retained FROM thread ORDER BY retained DESC'],
  ['what roots hold', 'SELECT r.kind, r.name, r.object, o.type, o.retained FROM root r JOIN object o ON o.id = r.object ORDER BY o.retained DESC LIMIT 20'],
  ['facts of the snapshot', 'SELECT key, value FROM snapshot ORDER BY key'],
];
const IDS = new Set(['id', 'src', 'dst', 'holder', 'dominator', 'object']);
let P, shots, at = { snapshot: 0, view: 'report', what: '' }, visit = 0;
let report, view, nav, select, notice;

const address = (snapshot, kind, what) => '#/' + snapshot + '/' + kind + '/' + encodeURIComponent(what);
const go = (kind, what, snapshot = at.snapshot) => { location.hash = address(snapshot, kind, what); };

/* One question. While the server puts objects in order it says so, and is asked again; null: the reader has gone on from the visit `mine` (null: of none). */
async function ask(question, parameters, mine = visit) {
  for (;;) {
    let response, answer;
    try {
      response = await fetch(question + '?' + new URLSearchParams({ snapshot: at.snapshot, ...parameters }));
      answer = await response.json();
    } catch (error) {
      throw new Error('heaptrail serve has ended, or cannot be reached: start it again, and open the address that it prints.');
    }
    if (mine !== null && mine !== visit) return null;
    if (response.status === 503 && question !== 'sql') {
      await new Promise(done => setTimeout(done, WAIT_MS));
      continue;
    }
    if (!response.ok) throw new Error(answer.error || 'the server answered ' + response.status);
    return answer;
  }
}

/* Words. */
function edge(kind, label) {
  if (kind === null || kind === undefined) return '';
  if (kind === 'index') return '[' + label + ']';
  if (kind === 'value') return /^\(.*\)$/.test(label) ? '[' + label + ']' : '[\'' + label + '\']';
  if (kind === 'attr' || kind === 'slot' || kind === 'field') return '.' + label;
  if (kind === 'plain') return 'a reference';
  return label ? kind + ' ' + label : kind;
}
const rootText = root => root ? [root[0], root[1]].filter(Boolean).join(': ') + (root[2] ? ', thread ' + root[2] : '') : '';
/* A row of a list, by name. */
function unpack(row) {
  const [id, type, name, length, size, retained, text, kind, label, key, keyObject] = row;
  return { id, type, name, length, size, retained, text, kind, label, key, keyObject };
}
function objectLink(o) {
  const { el, short, count } = P;
  const link = el('a', { href: address(at.snapshot, 'object', o.id), class: 'mono' }, short(o.type, 70) + (o.name ? ' ' + short(o.name, 70) : ''));
  link.title = o.type + (o.name ? ' ' + o.name : '') + ' #' + o.id;
  const isNameless = !o.name && (o.text === null || o.text === undefined); // of a hundred alike each is told from the others

  return el('span', { class: 'object' }, link, o.length !== null && o.length !== undefined && o.text === null ? el('span', { class: 'dim' }, ' length ' + count(o.length)) : null, isNameless ? el('span', { class: 'dim' }, ' #' + o.id) : null,
    o.text !== null && o.text !== undefined ? el('span', { class: 'dim mono' }, ' “' + short(o.text, 60) + '”') : null);
}
const figure = (n, format) => P.el('td', {}, n === null || n === undefined ? '' : format(n));
function own(o) {
  const cell = figure(o.size, P.bytes);
  cell.classList.add('own');
  return cell;
}
function bar(n, most) {
  const cell = figure(n, P.bytes);
  cell.classList.add('change', 'share');
  cell.style.backgroundSize = (100 * Math.min(1, n / Math.max(1, most))).toFixed(1) + '% calc(100% - 8px)';
  return cell;
}

function rowsTable(label, heads, rows) {
  const { el } = P;
  return el('table', { 'aria-label': label }, el('thead', {}, el('tr', {}, ...heads.map(h => el('th', { scope: 'col', class: h.name ? 'name' : h.text === 'own' ? 'own' : '' }, h.text)))),
    el('tbody', {}, ...rows.map(cells => el('tr', {}, ...cells))));
}
const heads = (...texts) => texts.map(text => text.startsWith('<') ? { text: text.slice(1), name: true } : { text });

function failed(panel, error) { panel.replaceChildren(P.el('p', { class: 'failed', role: 'alert' }, error.message)); }

/* A card with a list that is turned page by page. load(cursor): {rows, next (the cursor of the next page, or null), total}. */
function list(title, note, first, load, draw) {
  const { el, count } = P, mine = visit, before = [];
  const panel = el('div', { class: 'scroll' }), status = el('span', { role: 'status', class: 'dim' });
  const button = (text, act) => { const b = el('button', { type: 'button' }, text); b.addEventListener('click', act); return b; };
  const back = button('‹ previous', () => { cursor = before.pop(); show(true); }), forth = button('next ›', () => { before.push(cursor); cursor = next; show(true); });
  const start = button('« first', () => { cursor = first; before.length = 0; show(true); });
  const pager = el('div', { class: 'bar pager', role: 'group', 'aria-label': 'Pages of: ' + title }, start, back, forth);
  const head = el('div', { class: 'bar' }, el('h3', {}, title), status);
  let cursor = first, next = null;
  async function show(turned) {
    panel.setAttribute('aria-busy', 'true');
    try {
      const page = await load(cursor, mine);
      if (page === null || mine !== visit) return;
      next = page.next;
      const from = before.length * PAGE;
      const isOne = before.length === 0 && next === null;
      status.textContent = page.rows.length === 0 ? 'none' : isOne ? count(page.rows.length) : count(from + 1) + '–' + count(from + page.rows.length) + (page.total === undefined ? '' : ' of ' + count(Math.max(page.total, from + page.rows.length)));
      panel.replaceChildren(...(page.rows.length > 0 ? [draw(page.rows, { ...page, from })] : []));
      start.disabled = back.disabled = before.length === 0;
      forth.disabled = next === null;
      pager.hidden = isOne;
      if (turned && document.activeElement && document.activeElement.disabled) (next === null ? back : forth).focus();
    } catch (error) { failed(panel, error); }
    panel.removeAttribute('aria-busy');
  }
  show(false);
  return el('section', { class: 'card list', 'aria-label': title }, head, note ? el('p', { class: 'dim' }, note) : null, pager, panel);
}

/* Pages that go on from the key of their last row. */
const byKey = (question, id, total, order) => async (cursor, mine) => {
  const answer = await ask(question, cursor === null ? { id } : { id, ...cursor }, mine);
  if (answer === null) return null;
  const all = answer.rows.map(unpack), rows = all.slice(0, PAGE), end = rows[rows.length - 1];
  const next = all.length > PAGE ? { key: end.key, after: end.id } : null;
  return { rows: order && cursor === null && next === null ? order(rows) : rows, next, total };
};
/* Pages of what the server has in order: by place. */
const byPlace = (question, parameters) => async (place, mine) => {
  const answer = await ask(question, { ...parameters, at: place || 0 }, mine);
  if (answer === null) return null;
  const rows = answer.rows.map(unpack);
  return { rows, total: answer.total, next: (place || 0) + rows.length < answer.total ? (place || 0) + PAGE : null };
};
/* All on one page: by kind, then as a reader looks for a name. */
function readable(rows) {
  const rank = { key: 2, weak: 3 };
  return rows.slice().sort((a, b) => (rank[a.kind] || 1) - (rank[b.kind] || 1) || (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0) ||
    String(a.label).localeCompare(String(b.label), 'en', { numeric: true }) || a.id - b.id);
}

const cellOf = o => P.el('td', { class: 'name' }, objectLink(o));
/* A key of a dict that is no text is an object to go on to. */
const edgeCell = o => P.el('td', { class: 'name by' }, o.keyObject ? P.el('a', { href: address(at.snapshot, 'object', o.keyObject) }, '[' + o.label + ' #' + o.keyObject + ']') : P.named(edge(o.kind, o.label), 60));

/* One object. */
/* Of a text its lines stay lines. */
const lines = text => text.split('\n').flatMap((line, i) => i === 0 ? [line] : [document.createTextNode('\n'), line]);
const tile = (name, text, more) => P.el('dl', { class: 'tile' }, P.el('dt', {}, name), P.el('dd', {}, text), more ? P.el('dd', { class: 'dim' }, more) : null);
function facts(o) {
  const { el } = P;
  const known = [['module', o.module && o.module !== 'builtins' ? o.module : ''], ['belongs to', o.owner], ['allocated at', o.site], ['held by', o.roots.map(rootText).join('; ')],
    ['C code', o.c_holders.map(c => c[0] + (c[1] > 1 ? ' ×' + c[1] : '')).join('; ') || (o.c_references ? P.plural(o.c_references, 'reference') : '')],
    ['', [o.is_pseudo ? 'memory of the runtime, no object of its own' : '', o.is_immortal ? 'immortal' : '', !o.is_tracked && !o.is_pseudo ? 'not tracked by the collector' : '',
      o.depth === null ? 'garbage: no root reaches it' : ''].filter(Boolean).join('; ')]].filter(f => f[1]);
  return el('dl', { class: 'facts' }, ...known.flatMap(f => [el('dt', {}, f[0]), el('dd', { class: 'mono' }, f[1])]));
}

function steps(title, note, id, question, withEdges) {
  const { el } = P, mine = visit, panel = el('div', { class: 'scroll' });
  const rows = [];
  let root = null, from = id, depth = null;
  async function more() {
    try {
      const answer = await ask(question, { id: from }, mine);
      if (answer === null) return;
      const found = answer.steps.map(s => ({ ...unpack(s), up: s[9] }));
      rows.unshift(...(rows.length > 0 ? found.slice(0, -1) : found));
      root = answer.root || root;
      if (depth === null && typeof answer.depth === 'number') depth = answer.depth;
      from = rows[0].id;
      draw(rows[0].up);
    } catch (error) { failed(panel, error); }
  }
  function draw(isCut) {
    const least = rows.length === 1 && !root && !withEdges;
    const most = Math.max(...rows.map(o => o.retained));
    const cells = rows.map((o, i) => [...(withEdges ? [figure(depth === null ? null : depth - (rows.length - 1 - i), String), edgeCell(o)] : []), cellOf(o), own(o), bar(o.retained, most)]);
    const first = withEdges && !isCut ? el('p', { class: 'root' }, root ? el('span', { class: 'pill rooted' }, rootText(root)) : el('span', { class: 'dim' }, 'no root reaches it: it waits for the collector')) : null;
    const on = isCut ? el('button', { type: 'button' }, 'nearer to the root') : null;
    if (on) on.addEventListener('click', more);
    panel.replaceChildren(...[first, on, least ? el('p', { class: 'dim' }, 'Nothing but itself: it is held in ways that have nothing in common.') :
      rowsTable(title, heads(...(withEdges ? ['step', '<by'] : []), '<object', 'own', 'retained'), cells)].filter(Boolean));
  }
  more();
  return el('section', { class: 'card list', 'aria-label': title }, el('h3', {}, title), el('p', { class: 'dim' }, note), panel);
}

function head(title, under, ...rest) {
  const { el } = P, top = el('h2', { tabindex: '-1', class: 'title' }, title);
  view.replaceChildren(el('section', { class: 'card' }, top, el('p', { class: 'dim mono' }, under), ...rest));
  document.title = P.visible(title) + ': heaptrail';
  if (!/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) top.focus({ preventScroll: true }); /* not from under a reader who types */
  scrollTo(0, 0);
}

async function showObject(id) {
  const { el, bytes, count, short } = P, mine = visit, shot = shots[at.snapshot];
  const rootCell = o => el('td', { class: 'name by' }, o.kind ? P.named(rootText([o.kind, o.label]), 60) : 'several ways');
  const retains = (most, note) => list('What it retains', note, null, byPlace('dominated', { id }), rows =>
    rowsTable('What it retains', heads(id === '0' ? '<held by' : '<held as', '<object', 'own', 'retained'),
      rows.map(o => [id === '0' ? rootCell(o) : edgeCell(o), cellOf(o), own(o), bar(o.retained, most)])));
  if (id === '0') {
    head('The heap', shot.file, el('div', { class: 'tiles' }, tile('objects', count(shot.objects)), tile('bytes', bytes(shot.heap))));
    view.append(retains(shot.heap, 'What no single object retains, the largest first: held by roots, or in several ways.'));
    return;
  }
  const o = await ask('object', { id }, mine);
  if (o === null) return;
  const share = 100 * o.retained / Math.max(1, shot.heap);
  head(short(o.type, 120) + (o.name ? ' ' + short(o.name, 120) : ''), o.address + ' · #' + o.id + ' · ' + shot.file,
    el('div', { class: 'tiles' }, tile('retained', bytes(o.retained), share >= 0.1 ? share.toFixed(1) + ' % of the heap' : ''), tile('own', bytes(o.size)),
      o.length === null ? null : tile('length', count(o.length)), tile('referrers', count(o.referrers)), tile('fields', o.fields > 20000 ? 'over 20,000' : count(o.fields)),
      o.refcount === null ? null : tile('refcount', count(o.refcount)), o.depth === null ? null : tile('steps from a root', count(o.depth))),
    facts(o), o.text === null ? null : el('pre', { class: 'text mono', tabindex: '0', 'aria-label': 'its text' }, ...lines(o.text + (o.letters > o.text.length ? '…' : ''))),
    el('p', {}, el('a', { href: address(at.snapshot, 'type', o.type) }, 'all of this type')));
  const parts = [steps('Chain from a root', 'The shortest way by which it is kept alive.', id, 'chain', true)];
  if (o.fields > 0)
    parts.push(list('What it holds', o.fields > 20000 ? 'In the order in which they are stored.' : null, null, byKey('fields', id, o.fields > 20000 ? undefined : o.fields, readable), (rows, page) =>
      rowsTable('What it holds', heads('no.', '<field', '<object', 'own', 'retained'), rows.map((r, i) => [figure(page.from + i + 1, count), edgeCell(r), cellOf(r), own(r), figure(r.retained, bytes)]))));
  parts.push(list('Who refers to it', null, null, byKey('referrers', id, o.referrers), rows =>
    rowsTable('Who refers to it', heads('<by', '<object', 'own', 'retained'), rows.map(r => [edgeCell(r), cellOf(r), own(r), figure(r.retained, bytes)]))));
  if (o.retained > o.size) parts.push(retains(o.retained, 'What would go with it, the largest first.'));
  if (o.depth !== null) parts.push(letGo(id));
  parts.push(steps('What every chain leads through', 'Were one of these gone, it would go.', id, 'dominators', false));
  view.append(...parts);
}

/* The chains that share no object: to each belongs one thing that must let go of it. */
function letGo(id) {
  const { el } = P, title = 'What must be let go of', mine = visit, panel = el('div', { class: 'scroll' }), said = el('p', { class: 'dim' }, 'Chains that share no object…');
  (async () => {
    try {
      const answer = await ask('let_go', { id }, mine);
      if (answer === null) return;
      const n = answer.chains.length;
      said.textContent = (answer.complete ? '' : 'At least ') + P.plural(n, 'independent chain') + (n === 1 ? ' leads' : ' lead') + ' to it' + (answer.above ? ' from #' + answer.above : '') + (n === 1 ? ': it must let go.' : ': each must let go.');
      panel.append(rowsTable(title, heads('<must let go', '<chain'), answer.chains.map(([root, gate, way]) => {
        const objects = way.map(unpack), last = objects[objects.length - 1], first = objects[0].id === answer.above ? 1 : 0;
        const at = objects.find((o, i) => o.id === gate && i < objects.length - 1) || (objects.length > 1 + first ? objects[objects.length - 2] : null);
        const path = objects.flatMap((o, i) => [i > 0 ? el('span', { class: 'dim' }, ' ─' + edge(o.kind, o.label) + '→ ') : root ? el('span', { class: 'pill rooted' }, rootText(root)) : null, i > 0 || root ? ' ' : null, o === last ? 'it' : objectLink(o)]);
        return [el('td', { class: 'name' }, at ? objectLink(at) : root ? rootText(root) : objectLink(objects[0])), el('td', { class: 'name way' }, ...path)];
      })));
    } catch (error) { failed(panel, error); }
  })();
  return el('section', { class: 'card list', 'aria-label': title }, el('h3', {}, title), said, panel);
}

/* Types. */
async function typeFigures(name, tiles, mine) {
  const { bytes, count } = P;
  const figures = await Promise.all([at.snapshot, 0].map(snapshot => ask('figures', { name, snapshot }, mine).catch(() => null)));
  const [now, first] = figures;
  if (now === null || mine !== visit) return;
  const grown = (key, format) => at.snapshot === 0 ? '' : ((n, word) => (n > 0 ? '+' : '') + format(n) + word)(now[key] - (first === null ? 0 : first[key] || 0), ' since ' + P.short(shots[0].file.replace(/.*\//, ''), 20));
  tiles.replaceChildren(...[['objects', 'count', count], ['own', 'bytes', bytes], ['retained together', 'retained', bytes], ['its share of the heap', 'shared', bytes]]
    .filter(([, key]) => now[key] !== null).map(([title, key, format]) => tile(title, format(now[key]), grown(key, format))));
}
function typeHolders(name) {
  const { el, count } = P, title = 'What holds them', mine = visit, panel = el('div', { class: 'scroll', 'aria-busy': 'true' });
  (async () => {
    try {
      const answer = await ask('holders', { name }, mine);
      if (answer === null) return;
      panel.replaceChildren(answer.rows.length === 0 ? el('p', { class: 'dim' }, 'Roots alone, or nothing.') : rowsTable(title, heads('<held by', '<as', 'objects', 'holders'), answer.rows.map(([type, kind, label, objects, holders, one]) => [
        el('td', { class: 'name' }, el('a', { class: 'mono', href: one ? address(at.snapshot, 'object', one) : address(at.snapshot, 'type', type) }, P.short(type, 70) + (one ? ' #' + one : ''))),
        el('td', { class: 'name by' }, label === null ? { index: '[index]', value: '[key]', key: 'a key' }[kind] || kind : edge(kind, label)), figure(objects, count), figure(holders, count)])));
    } catch (error) { failed(panel, error); }
    panel.removeAttribute('aria-busy');
  })();
  return el('section', { class: 'card list', 'aria-label': title }, el('h3', {}, title), el('p', { class: 'dim' }, 'By the nearest holder of each, the most common first.'), panel);
}
function showType(name) {
  const { el, bytes, short } = P, tiles = el('div', { class: 'tiles' }), mine = visit;
  head(short(name, 200), 'objects of this type · ' + shots[at.snapshot].file, tiles, el('p', {}, el('a', { href: address(at.snapshot, 'types', '') }, 'all types')));
  typeFigures(name, tiles, mine).catch(error => failed(tiles, error));
  let most = 0;
  const holder = o => o.key ? unpack(o.key) : null;
  view.append(typeHolders(name), list('Objects, those that retain most first', null, null, byPlace('type', { name }), rows => {
    most = Math.max(most, rows[0].retained);
    return rowsTable('Objects', heads('<object', '<held by', '<as', 'own', 'retained'),
      rows.map(o => [cellOf(o), holder(o) ? cellOf(holder(o)) : el('td', { class: 'name by' }, 'a root, or nothing'), edgeCell({ ...o, keyObject: null }), own(o), bar(o.retained, most)]));
  }));
}

function showTypes(words) {
  const { el, bytes, count } = P;
  const filter = el('input', { type: 'search', id: 'types-filter', placeholder: 'part of a name', 'aria-label': 'Types with this in their names', autocomplete: 'off', spellcheck: 'false' });
  const panel = el('div', { class: 'scroll' }), status = el('span', { role: 'status', class: 'dim' }), mine = visit;
  let latest = 0, waiting;
  async function draw() {
    const turn = ++latest;
    try {
      const answer = await ask('types', { find: filter.value }, mine);
      if (answer === null || turn !== latest) return;
      const most = answer.rows.length > 0 ? answer.rows[0][3] : 1;
      status.textContent = answer.rows.length === answer.total ? P.plural(answer.total, 'type') : 'the first ' + answer.rows.length + ' of ' + count(answer.total);
      panel.replaceChildren(rowsTable('Types', heads('<type', 'objects', 'own', 'retained'), answer.rows.map(r => [
        el('td', { class: 'name' }, el('a', { class: 'mono', href: address(at.snapshot, 'type', r[0]), title: r[0] }, P.short(r[0] || '(no name)', 100))), figure(r[1], count), own({ size: r[2] }), bar(r[3], most)])));
      if (location.hash.startsWith('#/' + at.snapshot + '/types/')) history.replaceState(null, '', address(at.snapshot, 'types', filter.value)); /* unless the reader is just leaving */
    } catch (error) { failed(panel, error); }
  }
  filter.value = words;
  filter.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(draw, PAUSE_MS); });
  head('Types', shots[at.snapshot].file);
  view.append(el('section', { class: 'card list', 'aria-label': 'Types' }, el('div', { class: 'bar' }, status, filter), panel));
  draw();
}

/* SQL. */
function cellOfValue(name, value) {
  const { el } = P;
  if (value === null) return el('td', { class: 'dim' }, 'NULL');
  if (typeof value === 'number') return el('td', { class: 'mono' }, IDS.has(name) && Number.isInteger(value) && value > 0 ? el('a', { href: address(at.snapshot, 'object', value) }, String(value)) : String(value));
  return el('td', { class: 'name' }, P.named(value, 300));
}
function showSql(query) {
  const { el } = P, mine = visit;
  const text = el('textarea', { id: 'sql-text', rows: '5', 'aria-label': 'A query', spellcheck: 'false', autocomplete: 'off' }), panel = el('div', { class: 'scroll', id: 'sql-rows' });
  const status = el('span', { role: 'status', class: 'dim', id: 'sql-status' }), run = el('button', { type: 'submit', id: 'sql-run' }, 'Run');
  const examples = el('p', { class: 'examples' }, 'For example: ', ...EXAMPLES.map(([name, sql]) => {
    const b = el('button', { type: 'button' }, name);
    b.addEventListener('click', () => { text.value = sql; submit(); });
    return b;
  }));
  async function submit() {
    if (text.value.trim() === '') return;
    history.replaceState(null, '', address(at.snapshot, 'sql', text.value));
    run.disabled = true;
    status.textContent = 'running…';
    try {
      const answer = await ask('sql', { query: text.value }, mine);
      if (answer === null) return;
      if (answer.error) throw new Error(answer.error);
      status.textContent = P.plural(answer.rows.length, 'row') + (answer.more ? ', and there are more: that is the limit' : '') + ', ' + P.count(answer.ms) + ' ms';
      panel.replaceChildren(rowsTable('Rows', answer.columns.map((c, i) => ({ text: c, name: answer.rows.some(r => typeof r[i] === 'string') })), answer.rows.map(r => r.map((value, i) => cellOfValue(answer.columns[i], value)))));
    } catch (error) {
      status.textContent = '';
      failed(panel, error);
    } finally { run.disabled = false; }
  }
  text.value = query;
  head('SQL', shots[at.snapshot].file);
  const form = el('form', { 'aria-label': 'SQL' }, text, el('div', { class: 'bar' }, run, el('span', { class: 'dim' }, 'Ctrl+Enter'), status));
  form.addEventListener('submit', event => { event.preventDefault(); submit(); });
  text.addEventListener('keydown', event => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); submit(); } });
  view.append(el('section', { class: 'card list', 'aria-label': 'SQL' }, form, examples,
    el('p', { class: 'dim' }, 'Tables and views: object, reference, referrer, referent, chain, dominator, dominated, retained, type, root, thread, frame, total, snapshot. A column id, src, dst, holder, dominator or object leads to the object.'), panel));
  if (query) submit(); else text.focus();
}

/* Where we are. */
function route() {
  const match = /^#\/(\d+)\/(object|type|types|sql)\/(.*)$/s.exec(location.hash);
  visit++;
  let what = '';
  try { what = match ? decodeURIComponent(match[3]) : ''; } catch (error) { what = match[3]; }
  if (match && Number(match[1]) < shots.length) at = { snapshot: Number(match[1]), view: match[2], what };
  else if (location.hash.startsWith('#/')) at = { snapshot: at.snapshot, view: 'none', what: match ? 'there is no such snapshot: ' + match[1] + ' (the first is 0)' : 'there is no such page: ' + location.hash };
  else at = { snapshot: at.snapshot, view: 'report', what: '' };
  report.hidden = document.getElementById('contents').hidden = at.view !== 'report';
  view.hidden = at.view === 'report';
  select.value = String(at.snapshot);
  for (const link of nav.querySelectorAll('a')) {
    const kind = link.dataset.view;
    link.href = kind === 'report' ? '#report' : kind === 'object' ? address(at.snapshot, 'object', 0) : address(at.snapshot, kind, '');
    if (kind === at.view || (kind === 'types' && at.view === 'type')) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
  }
  if (at.view === 'report') { document.title = P.D.title + ': heaptrail'; return; }
  if (at.view === 'none') {
    head('Nothing is here', '');
    const card = P.el('section', { class: 'card' });
    failed(card, new Error(P.visible(at.what)));
    view.append(card);
    return;
  }
  const shown = at.view === 'object' ? showObject(at.what) : at.view === 'type' ? showType(at.what) : at.view === 'types' ? showTypes(at.what) : showSql(at.what);
  Promise.resolve(shown).catch(error => { head(at.view === 'object' ? 'Object #' + at.what : at.what, shots[at.snapshot].file); const card = P.el('section', { class: 'card' }); failed(card, error); view.append(card); });
}

async function find(text) {
  notice.textContent = '';
  if (/^#?\d+$/.test(text)) return go('object', text.replace('#', ''));
  if (!/^0x[0-9a-f]+$/i.test(text)) return go('types', text);
  try {
    const answer = await ask('find', { address: text.toLowerCase() }, null);
    go('object', answer.id);
    if (answer.offset > 0) notice.textContent = text + ' is ' + P.plural(answer.offset, 'byte') + ' into this object';
  } catch (error) { notice.textContent = error.message; }
}

/* What takes long of the report comes later than the page. */
async function watch() {
  for (;;) {
    let state;
    try { state = await (await fetch('page')).json(); } catch (error) { return; }
    if (state.whole) {
      const again = P.el('button', { type: 'button' }, 'The report is whole now: show it');
      again.addEventListener('click', () => location.reload());
      notice.replaceChildren(again);
    } else if (state.settled) notice.textContent = 'The rest of the report could not be made: the terminal says why.';
    if (state.settled) return;
    notice.textContent = 'What takes long of the report is being made…';
    await new Promise(done => setTimeout(done, 1000));
  }
}

function start(page) {
  P = page;
  shots = P.D.snapshots;
  at.snapshot = shots.length - 1;
  const { el } = P;
  report = document.querySelector('main');
  view = el('main', { id: 'explorer', hidden: '' });
  const link = (name, text) => el('a', { href: '#', 'data-view': name }, text);
  nav = el('nav', { 'aria-label': 'Views' }, link('report', 'Report'), link('object', 'Objects'), link('types', 'Types'), link('sql', 'SQL'));
  select = el('select', { id: 'snapshot', 'aria-label': 'Snapshot' }, ...shots.map((shot, i) => el('option', { value: String(i) }, P.short(shot.file.replace(/.*\//, ''), 40))));
  notice = el('span', { id: 'notice', role: 'status' });
  const input = el('input', { type: 'search', id: 'find', placeholder: '0x… , #id or type ( / )', 'aria-label': 'Find an object by address or id, or types by name', autocomplete: 'off', spellcheck: 'false' });
  const form = el('form', { role: 'search', 'aria-label': 'Find' }, input);
  form.addEventListener('submit', event => { event.preventDefault(); input.blur(); if (input.value.trim()) find(input.value.trim()); });
  select.addEventListener('change', () => {
    const kept = at.view === 'type' || at.view === 'types' || at.view === 'sql';
    if (at.view === 'report') at.snapshot = Number(select.value);
    go(kept ? at.view : 'object', kept ? at.what : 0, Number(select.value)); /* an object of one snapshot is none of another */
  });
  document.querySelector('header').after(el('div', { id: 'explorer-bar' }, nav, select, form, notice));
  report.after(view);
  document.addEventListener('keydown', event => {
    if (event.key === '/' && at.view !== 'report' && !/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) { event.preventDefault(); input.focus(); }
  });
  /* What the report names. */
  const tree = document.querySelector('#icicle .bar');
  if (tree) tree.append(el('a', { href: address(at.snapshot, 'object', 0) }, 'object by object'));
  document.querySelectorAll('#verdict-list li').forEach((item, i) => {
    const type = P.D.verdicts[i] && P.D.verdicts[i].type;
    if (type) item.append(' ', el('a', { href: address(at.snapshot, 'type', type) }, 'objects'));
  });
  for (const card of document.querySelectorAll('#suspects svg g.n')) { /* the tooltip of a card ends in the object that it shows */
    const id = /\nid:(\d+) at 0x[0-9a-f]+\s*$/.exec((card.querySelector('title') || card).textContent);
    if (!id) continue;
    const around = P.svg('a', { href: address(at.snapshot, 'object', id[1]) });
    card.closest('svg').setAttribute('role', 'group');
    card.before(around);
    around.append(card);
  }
  addEventListener('hashchange', route);
  route();
  if (P.D.verdicts_why) watch();
}

/* The page asks for links while it draws, before it starts the explorer; they lead to its last snapshot. */
let newest;
window.explorer = {
  link(type, node) {
    const link = document.createElement('a');
    newest = newest ?? JSON.parse(document.getElementById('data').textContent).snapshots.length - 1;
    link.href = address(newest, 'type', type);
    link.append(node);
    return link;
  },
  start,
};
})();
