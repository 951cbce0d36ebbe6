#include "base/memory.h"

#include "base/str.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define TRIM_THRESHOLD (64 * 1024) /* bytes free at the heap's end before they are given back at once */

void memory_frugal(void)
{
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
}

/* A loadable segment that is not writable is the file's own content: relocated data (RELRO) stands in writable ones. */
static int drop_segments(struct dl_phdr_info *object, size_t size, void *data)
{
    uintptr_t page = *(const uintptr_t *)data;

    (void)size;
    if (str_starts(object->dlpi_name, "linux-vdso"))
        return 0;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &object->dlpi_phdr[i];
        uintptr_t start = (object->dlpi_addr + h->p_vaddr) & ~(page - 1);
        uintptr_t end = (object->dlpi_addr + h->p_vaddr + h->p_memsz + page - 1) & ~(page - 1);

        if (h->p_type == PT_LOAD && (h->p_flags & PF_W) == 0)
            (void)madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void memory_trim(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    (void)malloc_trim(0);
    (void)dl_iterate_phdr(drop_segments, &page);
}
