/* capture/attach/objects.c - auxiliary vector, program headers, the loader's list, hash tables. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/attach/objects.h"

enum { AUXV_CAP = 64, HEADERS_MAX = 128, DYNAMIC_CAP = 256, CHAIN_MAX = 1 << 20, VERSION_HIDDEN = 0x8000 };

static bool auxiliary(pid_t pid, uint64_t *headers, uint16_t *header_count, uint64_t *loader)
{
    char path[64];
    Elf64_auxv_t values[AUXV_CAP];
    snprintf(path, sizeof path, "/proc/%ld/auxv", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? -1 : read(fd, values, sizeof values);

    if (fd >= 0)
        close(fd);
    *headers = *loader = *header_count = 0;
    for (ssize_t i = 0; i < bytes / (ssize_t)sizeof *values; i++) {
        if (values[i].a_type == AT_PHDR)
            *headers = values[i].a_un.a_val;
        else if (values[i].a_type == AT_PHNUM)
            *header_count = (uint16_t)values[i].a_un.a_val;
        else if (values[i].a_type == AT_BASE)
            *loader = values[i].a_un.a_val;
    }
    return *headers != 0 && *header_count > 0 && *header_count <= HEADERS_MAX;
}

static bool header(int memory, const htrail__object *object, uint16_t index, Elf64_Phdr *out)
{
    return htrail__memory_read(memory, object->headers + index * sizeof *out, out, sizeof *out);
}

/* Its own headers, where the first page of the file begins its memory. */
static void find_headers(int memory, htrail__object *object)
{
    Elf64_Ehdr file;
    if (htrail__memory_read(memory, object->load, &file, sizeof file) && memcmp(file.e_ident, ELFMAG, SELFMAG) == 0 &&
        file.e_phnum <= HEADERS_MAX && file.e_phentsize == sizeof(Elf64_Phdr)) {
        object->headers = object->load + file.e_phoff;
        object->header_count = file.e_phnum;
    }
}

/* The loader has turned addresses into absolute ones in most objects (not in the kernel's own). */
static uint64_t absolute(const htrail__object *object, uint64_t address)
{
    return address < object->load ? object->load + address : address;
}

static bool read_dynamic(int memory, uint64_t address, htrail__object *object, uint64_t *debug)
{
    Elf64_Dyn entries[DYNAMIC_CAP];
    ssize_t bytes = pread(memory, entries, sizeof entries, (off_t)address);
    for (ssize_t i = 0; i < bytes / (ssize_t)sizeof *entries && entries[i].d_tag != DT_NULL; i++)
        switch (entries[i].d_tag) {
        case DT_SYMTAB:
            object->symbols = absolute(object, entries[i].d_un.d_ptr);
            break;
        case DT_STRTAB:
            object->texts = absolute(object, entries[i].d_un.d_ptr);
            break;
        case DT_GNU_HASH:
            object->hash = absolute(object, entries[i].d_un.d_ptr);
            break;
        case DT_VERSYM:
            object->versions = absolute(object, entries[i].d_un.d_ptr);
            break;
        case DT_DEBUG:
            *debug = entries[i].d_un.d_ptr;
            break;
        default:
            break;
        }
    return bytes > 0;
}

/* r_debug of the executable: NULL until the loader has run. */
static htrail__objects_result find_list(int memory, htrail__object *program, uint64_t *debug)
{
    Elf64_Phdr one;
    uint64_t dynamic = 0;
    char interpreter[256] = "";
    bool has_dynamic = false;

    for (uint16_t i = 0; i < program->header_count && header(memory, program, i, &one); i++) {
        if (one.p_type == PT_PHDR)
            program->load = program->headers - one.p_vaddr;
        if (one.p_type == PT_DYNAMIC) {
            dynamic = one.p_vaddr;
            has_dynamic = true;
        }
        if (one.p_type == PT_INTERP)
            (void)htrail__memory_read_text(memory, program->load + one.p_vaddr, interpreter, sizeof interpreter);
    }
    if (strstr(interpreter, "ld-musl") != NULL)
        return HTRAIL__OBJECTS_MUSL;
    if (!has_dynamic || interpreter[0] == '\0')
        return HTRAIL__OBJECTS_STATIC;
    if (!read_dynamic(memory, program->load + dynamic, program, debug))
        return HTRAIL__OBJECTS_BROKEN;
    return *debug != 0 ? HTRAIL__OBJECTS_READ : HTRAIL__OBJECTS_NOT_YET;
}

htrail__objects_result htrail__objects_read(htrail__objects *objects, pid_t pid, int memory)
{
    htrail__object program = {0};
    struct r_debug list;
    struct link_map one;
    uint64_t debug = 0, loader;

    objects->memory = memory;
    objects->count = 0;
    if (!auxiliary(pid, &program.headers, &program.header_count, &loader))
        return HTRAIL__OBJECTS_BROKEN;
    htrail__objects_result result = find_list(memory, &program, &debug);
    if (result != HTRAIL__OBJECTS_READ)
        return result;
    if (!htrail__memory_read(memory, debug, &list, sizeof list))
        return HTRAIL__OBJECTS_BROKEN;
    for (uint64_t at = (uint64_t)list.r_map; at != 0 && objects->count < HTRAIL__OBJECTS_CAP; at = (uint64_t)one.l_next) {
        if (!htrail__memory_read(memory, at, &one, sizeof one))
            return HTRAIL__OBJECTS_BROKEN;
        htrail__object *object = &objects->objects[objects->count++];
        memset(object, 0, sizeof *object);
        object->load = one.l_addr;
        if (objects->count == 1) {
            object->headers = program.headers;
            object->header_count = program.header_count;
        } else
            find_headers(memory, object);
        (void)read_dynamic(memory, (uint64_t)one.l_ld, object, &debug);
    }
    return list.r_state == RT_CONSISTENT ? HTRAIL__OBJECTS_READ : HTRAIL__OBJECTS_NOT_YET;
}

static uint32_t gnu_hash(const char *name)
{
    uint32_t hash = 5381;
    for (; *name != '\0'; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

/* Is the symbol of that number this one, in the version that a program of today would get? */
static bool is_symbol(const htrail__objects *objects, const htrail__object *object, uint32_t number, const char *name,
                      htrail__symbol *symbol)
{
    Elf64_Sym one;
    uint16_t version = 0;
    char text[64];
    size_t bytes = strlen(name) + 1;

    if (bytes > sizeof text || !htrail__memory_read(objects->memory, object->symbols + number * sizeof one, &one, sizeof one) ||
        one.st_shndx == SHN_UNDEF || !htrail__memory_read(objects->memory, object->texts + one.st_name, text, bytes) ||
        memcmp(text, name, bytes) != 0)
        return false;
    if (object->versions != 0 && (!htrail__memory_read(objects->memory, object->versions + number * sizeof version, &version,
                                                       sizeof version) ||
                                  (version & VERSION_HIDDEN) != 0))
        return false;
    int kind = ELF64_ST_TYPE(one.st_info);
    if (kind != STT_FUNC && kind != STT_OBJECT && kind != STT_NOTYPE)
        return false;
    symbol->address = object->load + one.st_value;
    symbol->bytes = one.st_size;
    symbol->object = object;
    return true;
}

bool htrail__object_symbol(const htrail__objects *objects, const htrail__object *object, const char *name,
                           htrail__symbol *symbol)
{
    struct {
        uint32_t bucket_count, first, bloom_words, bloom_shift;
    } head;
    uint32_t hash = gnu_hash(name), number, entry;

    if (object->hash == 0 || object->symbols == 0 || object->texts == 0 ||
        !htrail__memory_read(objects->memory, object->hash, &head, sizeof head) || head.bucket_count == 0)
        return false;
    uint64_t buckets = object->hash + sizeof head + head.bloom_words * sizeof(uint64_t);
    uint64_t chains = buckets + head.bucket_count * sizeof(uint32_t);
    if (!htrail__memory_read(objects->memory, buckets + hash % head.bucket_count * sizeof number, &number, sizeof number) ||
        number < head.first)
        return false;
    for (int steps = 0; steps < CHAIN_MAX; steps++, number++) {
        if (!htrail__memory_read(objects->memory, chains + (number - head.first) * sizeof entry, &entry, sizeof entry))
            return false;
        if ((entry | 1) == (hash | 1) && is_symbol(objects, object, number, name, symbol))
            return true;
        if ((entry & 1) != 0)
            return false;
    }
    return false;
}

bool htrail__objects_symbol(const htrail__objects *objects, const char *name, htrail__symbol *symbol)
{
    for (size_t i = 0; i < objects->count; i++)
        if (htrail__object_symbol(objects, &objects->objects[i], name, symbol))
            return true;
    return false;
}

size_t htrail__object_segments(const htrail__objects *objects, const htrail__object *object,
                               htrail__segment segments[HTRAIL__SEGMENTS_CAP])
{
    Elf64_Phdr one;
    size_t count = 0;
    for (uint16_t i = 0; i < object->header_count && count < HTRAIL__SEGMENTS_CAP && header(objects->memory, object, i, &one); i++)
        if (one.p_type == PT_LOAD)
            segments[count++] = (htrail__segment){object->load + one.p_vaddr, object->load + one.p_vaddr + one.p_memsz,
                                                  (one.p_flags & PF_W) != 0, (one.p_flags & PF_X) != 0};
    return count;
}
