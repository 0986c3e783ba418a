/* analyze/library.c - see the header.
 *
 * The standard library is a list: a snapshot holds no paths unless it was told to. Packages
 * that were installed are known by the folder of their extension modules, and of files that
 * stand on stacks. */
#include "analyze/library.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"
#include "analyze/str.h"

/* sys.stdlib_module_names and the top level of the library, CPython 2.7 to 3.13, in the order of strcmp. Without
 * tests, and without names of old modules that programs like to give their own (user, new, commands, parser). */
static const char *const standard[] = {
    "BaseHTTPServer", "Bastion", "CGIHTTPServer", "ConfigParser", "Cookie", "DocXMLRPCServer", "HTMLParser", "MimeWriter", "Queue",
    "SimpleHTTPServer", "SimpleXMLRPCServer", "SocketServer", "StringIO", "UserDict", "UserList", "UserString", "_LWPCookieJar", "_MozillaCookieJar",
    "__future__", "_abc", "_abcoll", "_aix_support", "_android_support", "_ast", "_asyncio", "_bisect", "_blake2", "_bootlocale", "_bootsubprocess",
    "_bz2", "_codecs", "_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp", "_codecs_kr", "_codecs_tw", "_collections", "_collections_abc",
    "_colorize", "_compat_pickle", "_compression", "_contextvars", "_crypt", "_csv", "_ctypes", "_curses", "_curses_panel", "_datetime", "_dbm",
    "_decimal", "_dummy_thread", "_elementtree", "_frozen_importlib", "_frozen_importlib_external", "_functools", "_gdbm", "_hashlib", "_heapq",
    "_hotshot", "_imp", "_interpchannels", "_interpqueues", "_interpreters", "_io", "_ios_support", "_json", "_locale", "_lsprof", "_lzma",
    "_markupbase", "_md5", "_msi", "_multibytecodec", "_multiprocessing", "_opcode", "_opcode_metadata", "_operator", "_osx_support", "_overlapped",
    "_peg_parser", "_pickle", "_posixshmem", "_posixsubprocess", "_py_abc", "_pydatetime", "_pydecimal", "_pyio", "_pylong", "_pyrepl", "_queue",
    "_random", "_scproxy", "_sha", "_sha1", "_sha2", "_sha256", "_sha3", "_sha512", "_signal", "_sitebuiltins", "_socket", "_sqlite3", "_sre", "_ssl",
    "_stat", "_statistics", "_string", "_strptime", "_struct", "_suggestions", "_symtable", "_sysconfig", "_thread", "_threading_local", "_tkinter",
    "_tokenize", "_tracemalloc", "_typing", "_uuid", "_warnings", "_weakref", "_weakrefset", "_winapi", "_wmi", "_zoneinfo", "abc", "aifc", "anydbm",
    "argparse", "array", "ast", "asynchat", "asyncio", "asyncore", "atexit", "audiodev", "audioop", "base64", "bdb", "binascii", "binhex", "bisect",
    "bsddb", "bz2", "cPickle", "cProfile", "cStringIO", "calendar", "cgi", "cgitb", "chunk", "cmath", "cmd", "code", "codecs", "codeop",
    "collections", "colorsys", "compileall", "compiler", "concurrent", "configparser", "contextlib", "contextvars", "cookielib", "copy", "copy_reg",
    "copyreg", "crypt", "csv", "ctypes", "curses", "dataclasses", "datetime", "dbhash", "dbm", "decimal", "difflib", "dircache", "dis", "distutils",
    "doctest", "dumbdbm", "dummy_thread", "dummy_threading", "email", "encodings", "ensurepip", "enum", "errno", "exceptions", "faulthandler",
    "fcntl", "filecmp", "fileinput", "fnmatch", "fpformat", "fractions", "ftplib", "functools", "future_builtins", "gc", "genericpath", "getopt",
    "getpass", "gettext", "glob", "graphlib", "grp", "gzip", "hashlib", "heapq", "hmac", "hotshot", "html", "htmlentitydefs", "htmllib", "http",
    "httplib", "idlelib", "ihooks", "imaplib", "imghdr", "imp", "importlib", "imputil", "inspect", "io", "ipaddress", "itertools", "json", "keyword",
    "lib2to3", "linecache", "linuxaudiodev", "locale", "logging", "lzma", "macpath", "macurl2path", "mailbox", "mailcap", "markupbase", "marshal",
    "math", "md5", "mhlib", "mimetools", "mimetypes", "mimify", "mmap", "modulefinder", "msilib", "msvcrt", "multifile", "multiprocessing", "netrc",
    "nis", "nntplib", "ntpath", "nturl2path", "numbers", "opcode", "operator", "optparse", "os", "ossaudiodev", "pathlib", "pdb", "pickle",
    "pickletools", "pipes", "pkgutil", "platform", "plistlib", "popen2", "poplib", "posix", "posixfile", "posixpath", "pprint", "profile", "pstats",
    "pty", "pwd", "py_compile", "pyclbr", "pydoc", "pydoc_data", "pyexpat", "queue", "quopri", "random", "re", "readline", "repr", "reprlib",
    "resource", "rexec", "rfc822", "rlcompleter", "robotparser", "runpy", "sched", "secrets", "select", "selectors", "sgmllib", "sha", "shelve",
    "shlex", "shutil", "signal", "site", "smtpd", "smtplib", "sndhdr", "socket", "socketserver", "spwd", "sqlite3", "sre", "sre_compile",
    "sre_constants", "sre_parse", "ssl", "stat", "statistics", "statvfs", "string", "stringold", "stringprep", "strop", "struct", "subprocess",
    "sunau", "sunaudio", "symtable", "sys", "sysconfig", "syslog", "tabnanny", "tarfile", "telnetlib", "tempfile", "termios", "textwrap", "thread",
    "threading", "time", "timeit", "tkinter", "toaiff", "tokenize", "tomllib", "trace", "traceback", "tracemalloc", "tty", "turtle", "turtledemo",
    "types", "typing", "unicodedata", "unittest", "urllib", "urllib2", "urlparse", "uu", "uuid", "venv", "warnings", "wave", "weakref", "webbrowser",
    "whichdb", "winreg", "winsound", "wsgiref", "xdrlib", "xml", "xmllib", "xmlrpc", "xmlrpclib", "zipapp", "zipfile", "zipimport", "zlib",
    "zoneinfo",
};

/* Everybody's containers: that code of the library made the class says nothing of whose the object is. */
static const char *const of_all[] = {
    "_collections", "_contextvars", "_functools", "_operator", "_thread", "_weakref", "_weakrefset", "array", "collections", "contextvars", "functools",
    "itertools", "operator", "types", "weakref",
};

struct htrail__library {
    char **packages; /* installed: "numpy" */
    size_t count, room;
};

static int by_text(const void *key, const void *item)
{
    const htrail_str *text = key;
    const char *name = *(const char *const *)item;
    int order = strncmp(text->data, name, text->len);
    return order != 0 ? order : name[text->len] == '\0' ? 0 : -1;
}

static htrail_str top_of(htrail_str module)
{
    const char *dot = module.len > 0 ? memchr(module.data, '.', module.len) : NULL;
    return dot != NULL ? (htrail_str){module.data, (size_t)(dot - module.data)} : module;
}

/* "/usr/lib/python3/dist-packages/numpy/core/x.so" -> numpy */
static htrail_str package_of(htrail_str path)
{
    static const char folder[] = "-packages/";
    const char *end = path.data + path.len, *found = NULL;
    for (const char *at = path.data; at != NULL && (at = memmem(at, (size_t)(end - at), folder, sizeof folder - 1)) != NULL;)
        found = at += sizeof folder - 1;
    if (found == NULL)
        return (htrail_str){0};
    size_t len = 0;
    while (found + len < end && found[len] != '/' && found[len] != '.')
        len++;
    return (htrail_str){found, len};
}

static htrail_status add_package(htrail__library *library, htrail_str name)
{
    if (name.len == 0)
        return HTRAIL_OK;
    for (size_t i = 0; i < library->count; i++)
        if (htrail__str_is(name, library->packages[i]))
            return HTRAIL_OK;
    if (!htrail__grow(&library->packages, &library->room, library->count, sizeof *library->packages) ||
        (library->packages[library->count] = strndup(name.data, name.len)) == NULL)
        return HTRAIL_E_NOMEM;
    library->count++;
    return HTRAIL_OK;
}

htrail_status htrail__library_open(htrail__library **out, sqlite3 *db)
{
    static const char query[] = "SELECT DISTINCT path FROM mapping WHERE path LIKE '%-packages/%' UNION SELECT file FROM frame WHERE file LIKE '%-packages/%'";
    htrail__library *library = calloc(1, sizeof *library);
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_E_NOMEM;
    int stepped;

    *out = NULL;
    if (library == NULL)
        goto done;
    status = HTRAIL_E_DATABASE;
    if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) != SQLITE_OK)
        goto done;
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        htrail_str path = {(const char *)sqlite3_column_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)};
        if (path.data != NULL && (status = add_package(library, package_of(path))) != HTRAIL_OK)
            goto done;
    }
    if (stepped != SQLITE_DONE)
        goto done;
    *out = library;
    library = NULL;
    status = HTRAIL_OK;
done:
    sqlite3_finalize(statement);
    htrail__library_free(library);
    return status;
}

bool htrail__library_has(const htrail__library *library, htrail_str module)
{
    htrail_str top = top_of(module);
    if (top.len == 0)
        return false;
    if (bsearch(&top, standard, sizeof standard / sizeof *standard, sizeof *standard, by_text) != NULL)
        return true;
    for (size_t i = 0; i < library->count; i++)
        if (htrail__str_is(top, library->packages[i]))
            return true;
    return false;
}

void htrail__library_mark(const htrail__library *library, htrail__lookup *lookup, const htrail__found_object *steps, size_t count, bool *is_library)
{
    bool owned = false;
    for (size_t i = 0; i < count; i++) {
        htrail_str owner = htrail__texts_get(htrail__lookup_texts(lookup), steps[i].owner);
        if (owner.len > 0 && bsearch(&owner, of_all, sizeof of_all / sizeof *of_all, sizeof *of_all, by_text) == NULL)
            owned = htrail__library_has(library, owner);
        is_library[i] = owned;
    }
}

void htrail__library_free(htrail__library *library)
{
    if (library == NULL)
        return;
    for (size_t i = 0; i < library->count; i++)
        free(library->packages[i]);
    free(library->packages);
    free(library);
}
