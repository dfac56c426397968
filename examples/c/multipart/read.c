/* Reading: a plan says which stored bytes answer a range, this file reads them, an opener verifies and decrypts. */
#include <stdio.h>
#include <stdlib.h>

#include "multipart.h"

ossenc_map *open_map(const struct session *session)
{
    struct bytes manifest = load(session->folder, "manifest");
    struct bytes layouts = load(session->folder, "layouts"); /* the caller knows in which layout each part lies */
    ossenc_map *map;
    ossenc_error error = {0};
    error.size = sizeof error;
    must(ossenc_map_open(session->object, input(&manifest), 1, layouts.p, layouts.n, &map, &error), "the manifest",
         &error);
    free(manifest.p);
    free(layouts.p);
    return map;
}

/* Reads what an extent says, and opens it to `plain`; or, where that is NULL, only verifies it. */
static ossenc_status open_extent(const struct session *session, const ossenc_map *map, const ossenc_extent *extent,
                                 unsigned char *plain, ossenc_error *error)
{
    char name[32], path[512];
    struct bytes body = allocate(extent->body), tags = allocate(extent->side);
    ossenc_segment segment = {0};
    ossenc_opener *opener;
    ossenc_iov source = {0}, target = {0};
    ossenc_status status;
    segment.size = sizeof segment;
    must(ossenc_map_segment(map, extent->segment, &segment), "a segment", NULL);
    part_name(name, segment.part, "body");
    snprintf(path, sizeof path, "%s/%s", session->folder, name);
    read_at(path, extent->body_off, body.p, body.n);
    read_at(path, extent->side_off, tags.p, tags.n); /* PAGED: the group's page of tags; INLINE: nothing */
    source.p = body.p;
    source.n = body.n;
    target.p = plain;
    target.n = extent->take;
    /* A server keeps openers of the segments that it reads often. */
    status = ossenc_opener_new(session->object, map, extent->segment, &opener, error);
    if (status == OSSENC_OK)
        status = ossenc_open_extent(opener, extent, &source, 1, input(&tags), &target, plain ? 1 : 0, error);
    ossenc_opener_free(opener);
    free(body.p);
    free(tags.p);
    return status;
}

struct bytes read_range(const struct session *session, const ossenc_map *map, uint64_t offset, uint64_t n)
{
    struct bytes plain = allocate((size_t)n);
    uint64_t next = offset;
    size_t done = 0, found;
    ossenc_error error = {0};
    error.size = sizeof error;
    while (next < offset + n) {
        ossenc_extent extents[4];
        must(ossenc_plan(map, next, offset + n - next, 0, extents, 4, &found, &next), "plan", NULL);
        for (size_t i = 0; i < found; i++) {
            must(open_extent(session, map, &extents[i], plain.p + done, &error), "read", &error);
            done += extents[i].take;
        }
    }
    if (done != n)
        fail("the range is shorter");
    return plain;
}

int scrub(const struct session *session, const ossenc_map *map, uint32_t *part, uint64_t *offset)
{
    uint64_t next = 0;
    while (next < ossenc_map_plain(map)) {
        size_t found;
        ossenc_extent extent;
        ossenc_status status;
        ossenc_error error = {0};
        error.size = sizeof error;
        must(ossenc_plan(map, next, ossenc_map_plain(map) - next, 0, &extent, 1, &found, &next), "plan", NULL);
        status = open_extent(session, map, &extent, NULL, &error);
        if (status == OSSENC_E_CHUNK) {
            *part = error.part;
            *offset = error.offset;
            return 0;
        }
        must(status, "scrub", &error);
    }
    return 1;
}
