#include "base/memory.h"

#include "base/str.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADERS_MAX    32          /* of one object; usually about ten */
#define TRIM_THRESHOLD (64 * 1024) /* bytes free at the heap's end before they are given back at once */

void memory_frugal(void)
{
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
}

/*
 * A loadable segment that is not writable is the file's own content: relocated data (RELRO) stands in writable ones.
 * The headers stand in a segment too, and reading on there after it was dropped would bring it back.
 */
static int drop_segments(struct dl_phdr_info *object, size_t size, void *data)
{
    uintptr_t page = *(const uintptr_t *)data;
    ElfW(Phdr) headers[HEADERS_MAX];
    size_t n = object->dlpi_phnum < HEADERS_MAX ? object->dlpi_phnum : HEADERS_MAX;

    (void)size;
    if (str_starts(object->dlpi_name, "linux-vdso"))
        return 0;
    memcpy(headers, object->dlpi_phdr, n * sizeof(headers[0]));
    for (size_t i = 0; i < n; i++) {
        const ElfW(Phdr) *h = &headers[i];
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
