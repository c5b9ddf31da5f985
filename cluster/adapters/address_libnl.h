/*
 * cluster/adapters/address_libnl.h - what toban-net asks of the kernel, by libnl: the address
 * itself, carrier of two interfaces, and the TCP connections that the address has.
 *
 * Decides nothing. Every change of the address is proved by reading it back. Notifications can be
 * lost (ENOBUFS) or a dump interrupted: then everything is dumped again (reliability.md 6). Calls
 * to the kernel wait for the kernel only. Interfaces are known by name and may come, go and change
 * index.
 */
#ifndef CLUSTER_ADAPTERS_ADDRESS_LIBNL_H
#define CLUSTER_ADAPTERS_ADDRESS_LIBNL_H

#include "cluster/adapters/address.h"

#include <net/if.h>

struct address_kernel;

struct address_kernel_interface {
    char name[IFNAMSIZ]; /* "": not used */
    int index;           /* 0: does not exist now */
    bool up;             /* administratively up and with carrier */
    uint8_t mac[ADDRESS_MAC_BYTES];
};

typedef void address_kernel_change_fn(void *context);

struct address_kernel_options {
    sd_event *event;
    const char *interface_names[ADDRESS_INTERFACE_COUNT]; /* NULL: none */
    uint32_t floating;
    uint8_t floating_prefix_bits;
    address_kernel_change_fn *on_link;    /* an interface's row changed */
    address_kernel_change_fn *on_address; /* some address of the LAN interface was removed */
    void *context;
};

int address_kernel_create(const struct address_kernel_options *options,
                          struct address_kernel **ret_kernel);
void address_kernel_destroy(struct address_kernel *kernel);
/* From time to time: what the kernel could not be asked (no memory) is asked again. */
void address_kernel_look_again(struct address_kernel *kernel);
const struct address_kernel_interface *address_kernel_interface(const struct address_kernel *kernel,
                                                                enum address_interface which);

/* Adds, or renews the kernel's own lifetime of ADDRESS_LIFETIME_S; read back. */
int address_kernel_add(struct address_kernel *kernel);
/* Removes; 0 also when it was not there; read back. */
int address_kernel_remove(struct address_kernel *kernel);
/* 1 or 0, or negative errno. */
int address_kernel_is_present(struct address_kernel *kernel);

/* Connections whose own end is the floating address and one of the gateway's ports: fills clients.count,
 * total, list. */
int address_kernel_list_clients(struct address_kernel *kernel, struct address_message *ret_clients);
/* Resets them all; their clients hear it at once. -EOPNOTSUPP: this kernel cannot. */
int address_kernel_reset_clients(struct address_kernel *kernel);

#endif
