/* SPDX-License-Identifier: Apache-2.0
 *
 * A harness without libFuzzer: each file of its corpus once, and each cut off in its middle. For coverage (make cover). */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int replay(const char *path)
{
    static uint8_t bytes[4u << 20];
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    LLVMFuzzerTestOneInput(bytes, size / 2);
    return 1;
}

int main(int argc, char **argv)
{
    int ran = 0;
    char path[4096];
    DIR *corpus = opendir(CORPUS);
    if (LLVMFuzzerInitialize && LLVMFuzzerInitialize(&argc, &argv))
        return 1;
    for (struct dirent *entry; corpus && (entry = readdir(corpus));)
        if (entry->d_name[0] != '.' && snprintf(path, sizeof path, "%s/%s", CORPUS, entry->d_name) > 0)
            ran += replay(path);
    printf("%d files\n", ran);
    return ran == 0;
}
