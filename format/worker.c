/* format/worker.c - see the header. */
#include "format/worker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct htrail__worker {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    void (*work)(void *arg); /* NULL: nothing to do */
    void *arg;
    bool is_ending;
};

static void *run(void *arg)
{
    htrail__worker *worker = arg;
    pthread_mutex_lock(&worker->mutex);
    while (!worker->is_ending || worker->work != NULL) {
        if (worker->work == NULL) {
            pthread_cond_wait(&worker->changed, &worker->mutex);
            continue;
        }
        void (*work)(void *) = worker->work;
        pthread_mutex_unlock(&worker->mutex);
        work(worker->arg);
        pthread_mutex_lock(&worker->mutex);
        worker->work = NULL;
        pthread_cond_broadcast(&worker->changed);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

htrail__worker *htrail__worker_start(void)
{
    htrail__worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return NULL;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->changed, NULL);
    if (pthread_create(&worker->thread, NULL, run, worker) == 0)
        return worker;
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->changed);
    free(worker);
    return NULL;
}

void htrail__worker_do(htrail__worker *worker, void (*work)(void *arg), void *arg)
{
    if (worker == NULL) {
        work(arg);
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    worker->work = work;
    worker->arg = arg;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

void htrail__worker_wait(htrail__worker *worker)
{
    if (worker == NULL)
        return;
    pthread_mutex_lock(&worker->mutex);
    while (worker->work != NULL)
        pthread_cond_wait(&worker->changed, &worker->mutex);
    pthread_mutex_unlock(&worker->mutex);
}

void htrail__worker_stop(htrail__worker *worker)
{
    if (worker == NULL)
        return;
    pthread_mutex_lock(&worker->mutex);
    worker->is_ending = true;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->changed);
    free(worker);
}
