/* A stand-in for NVIDIA's management library: what it answers stands in a text file, read at each call.
 *
 * CLEARSPAN_TEST_NVML_SCRIPT names the file. Its lines, of which the last one that fits counts:
 *   count 2                       how many GPUs there are
 *   driver 550.54                 the driver's version
 *   init_error 9                  what starting it fails with
 *   fail FUNCTION CODE [UNIT]     what a function fails with, for one unit or for all
 *   gpu UNIT KEY VALUE            a figure; a function whose figure is missing is not supported (3)
 *   gpu UNIT energy_mj clock MW   a meter that has run at so many milliwatts since the machine started
 * Units 0 to 99 are GPUs, unit 100 + 10 * g + s is slice s of GPU g.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef unsigned long long wide;
typedef struct { unsigned int gpu, memory; } rates;
typedef struct { wide total, free, used; } store;
typedef struct { unsigned int pid; wide memory; unsigned int gpu_instance, compute_instance; } process;

enum { OK = 0, UNINITIALIZED = 1, BAD_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7 };
enum { LINE = 1024 };

static int started, tries, starts, stops, calls;

/* For tests: how often someone tried to start it, started it, ended it, and asked for something. */
int standInTries(void) { return tries; }
int standInStarts(void) { return starts; }
int standInStops(void) { return stops; }
int standInCalls(void) { return calls; }

/* The rest of the last line of the script that begins with these words. */
static int look(const char *words, char *rest)
{
    const char *name = getenv("CLEARSPAN_TEST_NVML_SCRIPT");
    FILE *file = name ? fopen(name, "r") : NULL;
    size_t length = strlen(words);
    char line[LINE];
    int found = 0;
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, words, length) == 0 && line[length] == ' ') {
            strcpy(rest, line + length + 1);
            found = 1;
        }
    }
    fclose(file);
    return found;
}

static int number_of(void *handle) { return (int)(size_t)handle - 1; }
static void *handle_of(int unit) { return (void *)(size_t)(unit + 1); }

/* The error that a function is to fail with, if any. A unit of -1 is none. */
static int failing(const char *function, int unit)
{
    char words[LINE], rest[LINE];
    int code, only = -1;
    calls++;
    if (!started)
        return UNINITIALIZED;
    snprintf(words, sizeof words, "fail %s", function);
    if (!look(words, rest))
        return OK;
    if (sscanf(rest, "%d %d", &code, &only) == 2 && only != unit)
        return OK;
    return code;
}

static int figure(int unit, const char *key, char *rest)
{
    char words[LINE];
    snprintf(words, sizeof words, "gpu %d %s", unit, key);
    return look(words, rest);
}

static int text(const char *function, int unit, const char *key, char *into, unsigned int size)
{
    char rest[LINE];
    int code = failing(function, unit);
    if (code)
        return code;
    if (!figure(unit, key, rest))
        return NOT_SUPPORTED;
    snprintf(into, size, "%s", rest);
    return OK;
}

static int amount(const char *function, int unit, const char *key, wide *into)
{
    char rest[LINE];
    int code = failing(function, unit);
    if (code)
        return code;
    if (!figure(unit, key, rest))
        return NOT_SUPPORTED;
    *into = strtoull(rest, NULL, 10);
    return OK;
}

static int small(const char *function, int unit, const char *key, unsigned int *into)
{
    wide value;
    int code = amount(function, unit, key, &value);
    if (code == OK)
        *into = (unsigned int)value;
    return code;
}

int nvmlInitWithFlags(unsigned int flags)
{
    char rest[LINE];
    (void)flags;
    tries++;
    if (look("init_error", rest))
        return atoi(rest);
    started++;
    starts++;
    return OK;
}

int nvmlShutdown(void)
{
    int code = failing("nvmlShutdown", -1);
    if (code)
        return code;
    started--;
    stops++;
    return OK;
}

const char *nvmlErrorString(int code)
{
    static char told[64];
    snprintf(told, sizeof told, "stand-in error %d", code);
    return told;
}

int nvmlSystemGetDriverVersion(char *into, unsigned int size)
{
    char rest[LINE];
    int code = failing("nvmlSystemGetDriverVersion", -1);
    if (code)
        return code;
    if (!look("driver", rest))
        return NOT_SUPPORTED;
    snprintf(into, size, "%s", rest);
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned int *count)
{
    char rest[LINE];
    int code = failing("nvmlDeviceGetCount", -1);
    if (code)
        return code;
    *count = look("count", rest) ? (unsigned int)strtoul(rest, NULL, 10) : 0;
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **handle)
{
    int code = failing("nvmlDeviceGetHandleByIndex", (int)index);
    *handle = handle_of((int)index);
    return code;
}

int nvmlDeviceGetUUID(void *handle, char *into, unsigned int size)
{
    return text("nvmlDeviceGetUUID", number_of(handle), "uuid", into, size);
}

int nvmlDeviceGetName(void *handle, char *into, unsigned int size)
{
    return text("nvmlDeviceGetName", number_of(handle), "name", into, size);
}

int nvmlDeviceGetMigMode(void *handle, unsigned int *now, unsigned int *next)
{
    *next = 0;
    return small("nvmlDeviceGetMigMode", number_of(handle), "mig", now);
}

int nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned int *count)
{
    return small("nvmlDeviceGetMaxMigDeviceCount", number_of(handle), "slices", count);
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned int index, void **slice)
{
    char rest[LINE];
    int unit = number_of(handle), code = failing("nvmlDeviceGetMigDeviceHandleByIndex", unit);
    if (code)
        return code;
    unit = 100 + 10 * unit + (int)index;
    *slice = handle_of(unit);
    return figure(unit, "uuid", rest) ? OK : NOT_FOUND;
}

int nvmlDeviceGetUtilizationRates(void *handle, rates *into)
{
    into->memory = 0;
    return small("nvmlDeviceGetUtilizationRates", number_of(handle), "util", &into->gpu);
}

int nvmlDeviceGetMemoryInfo(void *handle, store *into)
{
    int unit = number_of(handle), code;
    code = amount("nvmlDeviceGetMemoryInfo", unit, "memory_total", &into->total);
    if (code == OK)
        code = amount("nvmlDeviceGetMemoryInfo", unit, "memory_used", &into->used);
    into->free = 0;
    return code;
}

int nvmlDeviceGetPowerUsage(void *handle, unsigned int *into)
{
    return small("nvmlDeviceGetPowerUsage", number_of(handle), "power_mw", into);
}

int nvmlDeviceGetTotalEnergyConsumption(void *handle, wide *into)
{
    char rest[LINE];
    struct timespec now;
    int unit = number_of(handle);
    int code = amount("nvmlDeviceGetTotalEnergyConsumption", unit, "energy_mj", into);
    if (code == OK && figure(unit, "energy_mj clock", rest)) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        *into = (wide)(strtod(rest, NULL) * ((double)now.tv_sec + 1e-9 * (double)now.tv_nsec));
    }
    return code;
}

int nvmlDeviceGetTemperature(void *handle, int sensor, unsigned int *into)
{
    if (sensor != 0)
        return BAD_ARGUMENT;
    return small("nvmlDeviceGetTemperature", number_of(handle), "temperature", into);
}

int nvmlDeviceGetTemperatureThreshold(void *handle, int threshold, unsigned int *into)
{
    char key[32];
    snprintf(key, sizeof key, "threshold_%d", threshold);
    return small("nvmlDeviceGetTemperatureThreshold", number_of(handle), key, into);
}

int nvmlDeviceGetNumFans(void *handle, unsigned int *into)
{
    return small("nvmlDeviceGetNumFans", number_of(handle), "fans", into);
}

int nvmlDeviceGetFanSpeed_v2(void *handle, unsigned int fan, unsigned int *into)
{
    char key[32];
    snprintf(key, sizeof key, "fan_%u", fan);
    return small("nvmlDeviceGetFanSpeed_v2", number_of(handle), key, into);
}

int nvmlDeviceGetEncoderUtilization(void *handle, unsigned int *into, unsigned int *period)
{
    *period = 0;
    return small("nvmlDeviceGetEncoderUtilization", number_of(handle), "encoder", into);
}

int nvmlDeviceGetDecoderUtilization(void *handle, unsigned int *into, unsigned int *period)
{
    *period = 0;
    return small("nvmlDeviceGetDecoderUtilization", number_of(handle), "decoder", into);
}

/* Keys: ecc_KIND_COUNTER, where kind 1 is uncorrected and counter 1 over the device's life. */
int nvmlDeviceGetTotalEccErrors(void *handle, int kind, int counter, wide *into)
{
    char key[32];
    snprintf(key, sizeof key, "ecc_%d_%d", kind, counter);
    return amount("nvmlDeviceGetTotalEccErrors", number_of(handle), key, into);
}

/* KEY 12,13 or KEY none */
static int processes(const char *name, void *handle, const char *key, unsigned int *count, process *into)
{
    unsigned int room = *count, found = 0;
    char rest[LINE], *pid;
    int code = text(name, number_of(handle), key, rest, LINE);
    if (code)
        return code;
    for (pid = strtok(rest, ","); pid && strcmp(pid, "none"); pid = strtok(NULL, ",")) {
        if (into && found < room) {
            memset(&into[found], 0, sizeof *into);
            into[found].pid = (unsigned int)strtoul(pid, NULL, 10);
        }
        found++;
    }
    *count = found;
    return found > room ? TOO_SMALL : OK;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned int *count, process *into)
{
    return processes("nvmlDeviceGetComputeRunningProcesses_v3", handle, "pids", count, into);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned int *count, process *into)
{
    return processes("nvmlDeviceGetGraphicsRunningProcesses_v3", handle, "drawing", count, into);
}
