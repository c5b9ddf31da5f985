/*
 * tests/nth/points.h - the calls of toband, toban-net and toban-web that can fail, and how each says so.
 *
 * A call is taken here when it can fail though it is used rightly: for want of memory, descriptors, threads or
 * room, by a broken disk, a broken network, a peer, a missing file. Not here: clocks, locks, closing, setting what
 * cannot be wrong, write() (ours go to eventfds), and what only reads memory.
 */
#ifndef TESTS_NTH_POINTS_H
#define TESTS_NTH_POINTS_H

/* How a failure looks: the answer, and errno where the function has one. */
#define NULLS(X) /* NULL, ENOMEM */                                                                                    \
    X(malloc) X(calloc) X(realloc) X(strdup) X(strndup) X(EVP_CIPHER_CTX_new) X(EVP_CIPHER_fetch) X(EVP_KDF_CTX_new)   \
    X(EVP_KDF_fetch) X(EVP_MD_CTX_new) X(EVP_MD_fetch) X(BIO_new) X(SSL_CTX_new) X(SSL_new) X(nn_allocmsg)             \
    X(MHD_start_daemon) X(MHD_create_response_from_buffer) X(MHD_create_response_from_callback)                        \
    X(MHD_get_daemon_info) X(MHD_get_connection_info) X(json_loadb) X(nl_addr_build) X(nl_socket_alloc)                \
    X(rtnl_addr_alloc)
#define NULLS_FILE(X) /* NULL, EMFILE */ X(fopen) X(fmemopen) X(opendir) X(fdopendir)
#define MINUS_FD(X) /* -1, EMFILE */                                                                                   \
    X(open) X(openat) X(socket) X(socketpair) X(accept4) X(eventfd) X(pipe2) X(epoll_create1) X(timerfd_create)        \
    X(signalfd)
#define MINUS_IO(X) /* -1, EIO */                                                                                      \
    X(fsync) X(fdatasync) X(sync_file_range) X(pread) X(pwrite) X(writev) X(ftruncate) X(renameat) X(renameat2)        \
    X(unlinkat) X(unlink) X(mkdirat) X(flock) X(fstat) X(fchmod) X(chmod) X(chown) X(statvfs) X(ioctl) X(read)
#define MINUS_NET(X) /* -1, ENOBUFS */                                                                                 \
    X(bind) X(listen) X(connect) X(send) X(sendto) X(sendmsg) X(setsockopt) X(getsockname) X(shutdown)
#define MINUS_PEER(X) /* -1, ECONNRESET */ X(recv) X(recvfrom) X(recvmsg)
#define MINUS_MEMORY(X) /* -1, ENOMEM */                                                                               \
    X(nn_socket) X(nn_bind) X(nn_connect) X(nn_setsockopt) X(nn_getsockopt) X(mlockall) X(epoll_ctl)     \
    X(mmap) X(sched_setscheduler) X(getrandom)
#define MINUS_AGAIN(X) /* -1, EAGAIN */ X(nn_send) X(nn_recv)
#define MINUS_RIGHT(X) /* -1, EPERM */ X(prctl) X(setgroups) X(setresgid) X(setresuid) X(syscall) X(setrlimit)
#define ERRORS_MEMORY(X) /* ENOMEM, as the answer */                                                                   \
    X(pthread_create) X(posix_spawn) X(mdb_env_create) X(mdb_txn_begin) X(mdb_txn_renew) X(mdb_dbi_open)               \
    X(mdb_cursor_open) X(mdb_env_set_mapsize) X(mdb_env_set_maxdbs)
#define ERRORS_IO(X) /* EIO, as the answer */                                                                          \
    X(mdb_env_open) X(mdb_get) X(mdb_put) X(mdb_del) X(mdb_drop) X(mdb_cursor_get) X(mdb_txn_commit)                   \
    X(mdb_env_copyfd2) X(mdb_env_sync) X(mdb_reader_check)
#define SD_ERRORS(X) /* -ENOMEM */                                                                                     \
    X(sd_event_new) X(sd_event_default) X(sd_event_add_io) X(sd_event_add_time) X(sd_event_add_time_relative)          \
    X(sd_event_add_signal) X(sd_event_add_defer) X(sd_event_add_post) X(sd_event_set_watchdog)                         \
    X(sd_event_source_set_io_events)
#define NL_ERRORS(X) /* -NLE_NOMEM */                                                                                  \
    X(nl_connect) X(nl_socket_add_memberships) X(nl_socket_modify_cb) X(nl_socket_set_buffer_size)                     \
    X(nl_socket_set_nonblocking) X(nl_send_simple) X(nl_recvmsgs_default) X(nl_wait_for_ack) X(nl_msg_parse)           \
    X(rtnl_addr_add) X(rtnl_addr_delete) X(rtnl_addr_alloc_cache) X(rtnl_link_get_kernel)
#define ZEROS(X) /* 0: OpenSSL, libyaml, libmicrohttpd */                                                              \
    X(EVP_DigestInit_ex) X(EVP_DigestInit_ex2) X(EVP_DigestUpdate) X(EVP_DigestFinal_ex) X(EVP_EncryptInit_ex2)        \
    X(EVP_EncryptUpdate) X(EVP_EncryptFinal_ex) X(EVP_DecryptInit_ex2) X(EVP_DecryptUpdate) X(RAND_priv_bytes)         \
    X(SSL_CTX_load_verify_file) X(SSL_CTX_use_certificate_file) X(SSL_CTX_use_PrivateKey_file)                         \
    X(SSL_CTX_check_private_key) X(SSL_CTX_set_ciphersuites) X(SSL_read_ex) X(SSL_write_ex) X(BIO_write_ex)            \
    X(SSL_export_keying_material) X(SSL_key_update) X(yaml_parser_initialize) X(yaml_parser_load)                      \
    X(MHD_queue_response) X(MHD_add_response_header) X(MHD_run)
#define MINUSES(X) /* -1 */ X(SSL_do_handshake) X(EVP_KDF_derive)
#define CS_ERRORS(X) /* CS_ERR_LIBRARY */                                                                              \
    X(cpg_model_initialize) X(cpg_join) X(cpg_leave) X(cpg_local_get) X(cpg_fd_get) X(cpg_dispatch)                    \
    X(cpg_context_get)
#define ONES(X) /* 1: CYAML_ERR_OOM */ X(cyaml_load_data)

#define POINTS(X)                                                                                                      \
    NULLS(X) NULLS_FILE(X) MINUS_FD(X) MINUS_IO(X) MINUS_NET(X) MINUS_PEER(X) MINUS_MEMORY(X) MINUS_AGAIN(X)           \
    MINUS_RIGHT(X) ERRORS_MEMORY(X) ERRORS_IO(X) SD_ERRORS(X) NL_ERRORS(X) ZEROS(X) MINUSES(X) CS_ERRORS(X) ONES(X)

#endif
