/*
 * The data disk of a unit: an ext4 file system in a file, so that it can be full, lose what was not
 * synced, and be wiped like a disk of its own. The unit's record (DESIGN 3 rule 3) is a directory
 * beside it and survives all of that. With OFFICE_DISK_DIRECTORY the disk is a directory of the
 * host: for measurements beside other programs on the same file system; it cannot be filled or cut.
 */
#include "tools/office/office.h"

#include "base/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* Of ext4 and xfs alike; no public header has them. */
#define DISK_IOCTL_SHUTDOWN _IOR('X', 125, uint32_t)
enum {
    DISK_SHUTDOWN_WITHOUT_FLUSH = 2,
    BYTES_PER_MIB = 1024 * 1024,
    REMOUNT_TRIES = 100,
    REMOUNT_PAUSE_NS = 20 * 1000 * 1000,
    DIRECTORY_MODE = 0755,
    DEVICE_BYTES = 32,
    LOOP_TRIES = 64,
};

static const char ballast_name[] = "data/.ballast";

static void image_path(const struct office *office, unsigned place, char path[OFFICE_PATH_BYTES])
{
    (void)snprintf(path, OFFICE_PATH_BYTES, "%.220s/u%u%s", office->disk_dir, place,
                   office->disk == OFFICE_DISK_LOOP ? ".img" : "");
}

/* A loop device of its own for each mount; it goes with its last user (autoclear). */
static int attach_image(const char *image, char device[DEVICE_BYTES])
{
    struct loop_config config = {.info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
    int control_fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int image_fd = open(image, O_RDWR | O_CLOEXEC);
    int loop_fd = -1;
    int r = control_fd < 0 || image_fd < 0 ? -errno : -EBUSY;

    config.fd = (uint32_t)image_fd;
    for (unsigned i = 0; i < LOOP_TRIES && r == -EBUSY; i++) {
        int number = ioctl(control_fd, LOOP_CTL_GET_FREE);

        if (number < 0) {
            r = -errno;
            break;
        }
        (void)snprintf(device, DEVICE_BYTES, "/dev/loop%d", number);
        loop_fd = open(device, O_RDWR | O_CLOEXEC);
        if (loop_fd < 0) {
            r = -errno;
            break;
        }
        r = ioctl(loop_fd, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
        if (r < 0) {
            (void)close(loop_fd); /* another office was quicker: the next one */
        }
    }
    (void)close(control_fd);
    (void)close(image_fd);
    return r < 0 ? r : loop_fd;
}

static int mount_disk(const struct office *office, unsigned place, char *said, size_t said_bytes)
{
    char image[OFFICE_PATH_BYTES];
    char target[OFFICE_PATH_BYTES];
    char device[DEVICE_BYTES] = "";
    int loop_fd;
    int r = 0;

    image_path(office, place, image);
    office_unit_path(office, place, "data", target);
    if (office->disk == OFFICE_DISK_DIRECTORY) {
        return mount(image, target, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
    }
    loop_fd = attach_image(image, device);
    if (loop_fd >= 0) {
        r = mount(device, target, "ext4", MS_NODEV | MS_NOSUID, NULL) < 0 ? -errno : 0;
        (void)close(loop_fd);
    }
    r = loop_fd < 0 ? loop_fd : r;
    if (r < 0 && said != NULL) {
        (void)snprintf(said, said_bytes, "%s: %s", device, strerror(-r));
    }
    return r;
}

static int make_image(const struct office *office, unsigned place, char *said, size_t said_bytes)
{
    char image[OFFICE_PATH_BYTES];
    /* No reserved blocks: root, too, meets a full disk. */
    const char *argv[] = {"mkfs.ext4",          "-q", "-F",  "-m", "0", "-E",
                          "lazy_itable_init=1", "-L", image,
                          /* label */ image,    NULL};
    char label[16];
    int fd = -1;

    image_path(office, place, image);
    (void)snprintf(label, sizeof(label), "toban-u%u", place);
    argv[8] = label;
    fd = open(image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)office->disk_mib * BYTES_PER_MIB) < 0) {
        int r = -errno;

        (void)close(fd);
        return r;
    }
    (void)close(fd);
    return office_command(NULL, argv, NULL, said, said_bytes) == 0 ? 0 : -EIO;
}

int office_disk_create(const struct office *office, unsigned place, struct office_error *ret_error)
{
    char image[OFFICE_PATH_BYTES];
    char said[OFFICE_TEXT_BYTES / 2] = "";
    int r = 0;

    image_path(office, place, image);
    if (office->disk == OFFICE_DISK_LOOP) {
        r = make_image(office, place, said, sizeof(said));
    } else if (mkdir(image, DIRECTORY_MODE) < 0) {
        r = -errno;
    }
    r = r < 0 ? r : mount_disk(office, place, said, sizeof(said));
    if (r == 0) {
        return 0;
    }
    return office_fail(ret_error, r,
                       "ディスクを作れません（%s: %s）。--disk directory でも試せます。",
                       "The disk cannot be made (%s: %s). You can also try --disk directory.",
                       image, said[0] == '\0' ? strerror(-r) : said);
}

static bool disk_takes_writes(const struct office *office, unsigned place)
{
    char path[OFFICE_PATH_BYTES];
    struct stat above;
    struct stat disk;
    int fd = -1;

    office_unit_path(office, place, "data", path);
    if (office->disk == OFFICE_DISK_LOOP &&
        (stat(office->run_dir, &above) < 0 || stat(path, &disk) < 0 ||
         above.st_dev == disk.st_dev)) {
        return false; /* not mounted */
    }
    office_unit_path(office, place, "data/.probe", path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == ENOSPC;
    }
    (void)close(fd);
    return unlink(path) == 0;
}

int office_disk_found(const struct office *office, unsigned place)
{
    char path[OFFICE_PATH_BYTES];
    int fd;

    office_unit_path(office, place, "data/FOUND", path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 || close(fd) < 0 ? -errno : 0;
}

static bool image_is_attached(const char *image)
{
    char path[OFFICE_PATH_BYTES];
    char backing[PATH_MAX];
    const struct dirent *entry = NULL;
    DIR *devices = opendir("/sys/block");
    bool attached = false;

    while (devices != NULL && !attached && (entry = readdir(devices)) != NULL) {
        (void)snprintf(path, sizeof(path), "/sys/block/%.64s/loop/backing_file", entry->d_name);
        if (strncmp(entry->d_name, "loop", strlen("loop")) == 0 &&
            office_read_file(path, backing, sizeof(backing)) > 0) {
            backing[strcspn(backing, "\n")] = '\0';
            attached = strcmp(backing, image) == 0;
        }
    }
    if (devices != NULL) {
        (void)closedir(devices);
    }
    return attached;
}

/* The old file system lives on while any mount namespace shows it: the dead unit's own, which is taken
 * down behind our back, and those that began as a copy of the host's (every `ip netns exec` has one).
 * Removing the directory it is mounted on takes it away from all of them. Only when its device is gone is
 * the image mounted anew: a dead file system's device still writes what its journal had committed, which
 * would come down upon the new one. */
int office_disk_revive(const struct office *office, unsigned place)
{
    static const struct timespec pause = {.tv_nsec = REMOUNT_PAUSE_NS};
    char image[OFFICE_PATH_BYTES];
    char target[OFFICE_PATH_BYTES];
    char real[PATH_MAX];

    image_path(office, place, image);
    office_unit_path(office, place, "data", target);
    for (unsigned i = 0; i < REMOUNT_TRIES; i++) {
        if (disk_takes_writes(office, place)) {
            return 0;
        }
        (void)umount2(target, MNT_DETACH);
        (void)rmdir(target);
        if ((mkdir(target, DIRECTORY_MODE) == 0 || errno == EEXIST) &&
            realpath(image, real) != NULL && !image_is_attached(real)) {
            (void)mount_disk(office, place, NULL, 0);
        }
        if (!disk_takes_writes(office, place)) {
            (void)nanosleep(&pause, NULL);
        }
    }
    return -EBUSY;
}

int office_disk_cut_power(const struct office *office, unsigned place)
{
    char target[OFFICE_PATH_BYTES];
    uint32_t how = DISK_SHUTDOWN_WITHOUT_FLUSH;
    int fd = -1;
    int r = 0;

    if (office->disk != OFFICE_DISK_LOOP) {
        return 0;
    }
    office_unit_path(office, place, "data", target);
    fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    r = ioctl(fd, DISK_IOCTL_SHUTDOWN, &how) < 0 ? -errno : 0;
    (void)close(fd);
    return r < 0 ? r : office_disk_revive(office, place);
}

int office_disk_fill(const struct office *office, unsigned place)
{
    char path[OFFICE_PATH_BYTES];
    struct statvfs space;
    off_t size = 0;
    int fd = -1;
    int r = 0;

    if (office->disk != OFFICE_DISK_LOOP) {
        return -EOPNOTSUPP;
    }
    office_unit_path(office, place, ballast_name, path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    /* Until nothing is left: the file's own bookkeeping takes blocks too, so in ever smaller
     * pieces. */
    while (r == 0 && fstatvfs(fd, &space) == 0 && space.f_bavail > 0) {
        off_t piece = (off_t)(space.f_bavail > 8 ? space.f_bavail / 2 : 1) * (off_t)space.f_bsize;

        r = fallocate(fd, 0, size, piece) < 0 ? -errno : 0;
        size += piece;
    }
    (void)close(fd);
    return r == -ENOSPC ? 0 : r;
}

int office_disk_unfill(const struct office *office, unsigned place)
{
    char path[OFFICE_PATH_BYTES];

    office_unit_path(office, place, ballast_name, path);
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* A new disk holds nothing of the old one: what was freed is given back to the image, too. */
static int forget_freed(int directory_fd)
{
    struct fstrim_range all = {.len = UINT64_MAX};

    return syncfs(directory_fd) < 0 || ioctl(directory_fd, FITRIM, &all) < 0 ? -errno : 0;
}

int office_disk_wipe(const struct office *office, unsigned place)
{
    char path[OFFICE_PATH_BYTES];
    const struct dirent *entry = NULL;
    DIR *directory = NULL;
    int r = 0;

    office_unit_path(office, place, "data", path);
    directory = opendir(path);
    if (directory == NULL) {
        return -errno;
    }
    while (r == 0 && (entry = readdir(directory)) != NULL) {
        char child[OFFICE_PATH_BYTES + sizeof(entry->d_name)];

        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, "lost+found") != 0) {
            (void)snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
            r = office_remove_tree(child);
        }
    }
    if (r == 0 && office->disk == OFFICE_DISK_LOOP) {
        r = forget_freed(dirfd(directory));
    }
    (void)closedir(directory);
    return r;
}

void office_disk_destroy(const struct office *office, unsigned place)
{
    char path[OFFICE_PATH_BYTES];

    office_unit_path(office, place, "data", path);
    while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
    }
}
