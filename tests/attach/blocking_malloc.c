/* An allocator with one lock, preloaded: the thread that asks for BLOCK_BYTES stands inside it, with the
 * lock, until somebody writes to the pipe. Who waits for it waits for the lock. */
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

enum { BLOCK_BYTES = 7654321 };
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void __libc_free(void *);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
int blocking_malloc_fd = -1;

void *malloc(size_t bytes)
{
    char byte;
    pthread_mutex_lock(&lock);
    if (bytes == BLOCK_BYTES && read(blocking_malloc_fd, &byte, 1) < 0)
        blocking_malloc_fd = -1;
    void *result = __libc_malloc(bytes);
    pthread_mutex_unlock(&lock);
    return result;
}
void *calloc(size_t count, size_t bytes)
{
    pthread_mutex_lock(&lock);
    void *result = __libc_calloc(count, bytes);
    pthread_mutex_unlock(&lock);
    return result;
}
void *realloc(void *old, size_t bytes)
{
    pthread_mutex_lock(&lock);
    void *result = __libc_realloc(old, bytes);
    pthread_mutex_unlock(&lock);
    return result;
}
void free(void *old)
{
    pthread_mutex_lock(&lock);
    __libc_free(old);
    pthread_mutex_unlock(&lock);
}
