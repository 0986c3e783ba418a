/* look_malloc.c - what glibc's malloc holds, and how much of it is in use: mallinfo2, which is in
 * glibc from 2.33 on. */
#include "capture/process/process.h"

#include <dlfcn.h>
#include <string.h>

/* As in <malloc.h>, which older ones have without it. */
struct facts {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

static struct facts (*info)(void);

/* Looked up while the library is loaded, since the linker's lock may be held later by a thread that waits
 * for the interpreter. Where malloc is another's (jemalloc), glibc's knows next to nothing; that is asked of
 * malloc_usable_size, which comes with each, since malloc itself may be a stub of the executable. */
__attribute__((constructor)) static void find(void)
{
    void *found = dlsym(RTLD_DEFAULT, "mallinfo2"), *used = dlsym(RTLD_DEFAULT, "malloc_usable_size");
    Dl_info library, allocator;
    if (found == NULL || used == NULL || dladdr(found, &library) == 0 || dladdr(used, &allocator) == 0)
        return;
    if (library.dli_fbase == allocator.dli_fbase)
        memcpy(&info, &found, sizeof info);
}

void htrail__process_look_malloc(htrail_process *p)
{
    if (info == NULL)
        return;
    const struct facts facts = info();
    htrail__process_add_fact(p, "malloc_heap_bytes", facts.arena);
    htrail__process_add_fact(p, "malloc_mmapped_bytes", facts.hblkhd);
    htrail__process_add_fact(p, "malloc_used_bytes", facts.uordblks + facts.hblkhd);
    htrail__process_add_fact(p, "malloc_free_bytes", facts.fordblks);
}
