// Compressing answers as they stream: gzip by zlib, with compressors that are used again, since
// one needs a quarter of a megabyte.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_HTTP_GZIP_H
#define FP_HTTP_GZIP_H

#include "base/buf.h"
#include "base/error.h"

struct gzip_pool;
struct gzip;

struct gzip_pool *gzip_pool_create(void); // NULL when out of memory
// Every compressor must have been given back. Takes NULL.
void gzip_pool_free(struct gzip_pool *pool);
// A compressor at the start of a stream; NULL when FP_LIMIT_HTTP_GZIP_STREAMS are in use or out of
// memory: then send the answer as it is.
struct gzip *gzip_take(struct gzip_pool *pool);
void gzip_give(struct gzip_pool *pool, struct gzip *gzip); // takes NULL
// Appends what is ready of the compressed form. flush: so that a receiver can read all that went
// in; last: ends the stream. FP_E_LIMIT_EXCEEDED or FP_E_NO_MEMORY from the buffer.
enum gzip_flush { GZIP_COLLECT, GZIP_FLUSH, GZIP_LAST };
enum fp_error gzip_write(struct gzip *gzip, struct bytes in, enum gzip_flush flush,
                         struct buf *out);

#endif
