/* What the tests stand on: a library whose randomness and clock are the test's, a keystore, objects. */
#include "harness.h"

static ossenc_status entropy(void *user, void *p, size_t n)
{
    struct machine *m = (struct machine *)user;
    byte *b = (byte *)p;
    ossenc_status status = OSSENC_OK;
    pthread_mutex_lock(&m->mutex);
    if (m->draws++ == m->fail_at)
        status = -4242;
    else
        for (size_t i = 0; i < n; i++) {
            m->state = m->state * 6364136223846793005u + 1442695040888963407u;
            b[i] = m->stuck ? 7 : (byte)(m->state >> 56);
        }
    pthread_mutex_unlock(&m->mutex);
    return status;
}

static void now(void *user, ossenc_time *time)
{
    struct machine *m = (struct machine *)user;
    pthread_mutex_lock(&m->mutex);
    m->clocks++;
    time->wall_s = m->wall;
    pthread_mutex_unlock(&m->mutex);
}

void machine_init(struct machine *m)
{
    memset(m, 0, sizeof *m);
    pthread_mutex_init(&m->mutex, NULL);
    m->fail_at = -1;
    m->wall = 1700000000;
    m->state = 42;
}

ossenc_status machine_lib(struct machine *m, ossenc_lib **lib)
{
    ossenc_config config;
    SIZED(config);
    config.user = m;
    config.entropy = entropy;
    config.now = now;
    return ossenc_lib_new(&config, lib, NULL);
}

const byte ROOT[33] = "0123456789abcdef0123456789ABCDEF";

ossenc_in root(void)
{
    return in(ROOT, 32);
}

void image_free(struct image *image)
{
    free(image->p);
    image->p = NULL;
}

ossenc_status try_change(const ossenc_keystore *keystore, uint32_t what, const char *key, const char *version,
                         ossenc_out *image, ossenc_error *error)
{
    ossenc_change change;
    SIZED(change);
    change.what = what;
    change.key_id = text(key);
    change.version = text(version);
    return ossenc_keystore_apply(keystore, &change, image, error);
}

static void world_use(struct world *w, struct image image)
{
    ossenc_keystore_free(w->keystore);
    image_free(&w->image);
    w->image = image;
    OK(ossenc_keystore_load(w->lib, in(image.p, image.n), root(), 0, &w->keystore, NULL));
}

void world_change(struct world *w, uint32_t what, const char *key, const char *version)
{
    struct image image;
    ossenc_out room = out(NULL, 0);
    STATUS(OSSENC_E_BUFFER, try_change(w->keystore, what, key, version, &room, NULL));
    image.n = room.n;
    image.p = get(image.n);
    room = out(image.p, image.n);
    OK(try_change(w->keystore, what, key, version, &room, NULL));
    EQUAL(room.n, image.n);
    world_use(w, image);
}

void world_publish(struct world *w)
{
    OK(ossenc_keyring_publish(w->keyring, w->keystore));
}

void world_init(struct world *w)
{
    struct image image;
    ossenc_out room = out(NULL, 0);
    memset(w, 0, sizeof *w);
    machine_init(&w->machine);
    OK(machine_lib(&w->machine, &w->lib));
    OK(ossenc_keyring_new(w->lib, NULL, &w->keyring));
    STATUS(OSSENC_E_BUFFER, ossenc_keystore_init(w->lib, text("root-1"), root(), &room, NULL));
    image.n = room.n;
    image.p = get(image.n);
    room = out(image.p, image.n);
    OK(ossenc_keystore_init(w->lib, text("root-1"), root(), &room, NULL));
    world_use(w, image);
    world_change(w, OSSENC_KS_CREATE, "k1", "");
    world_publish(w);
}

void world_free(struct world *w)
{
    ossenc_keystore_free(w->keystore);
    ossenc_keyring_free(w->keyring);
    ossenc_lib_free(w->lib);
    image_free(&w->image);
    pthread_mutex_destroy(&w->machine.mutex);
}

ossenc_context context_of(const char *object)
{
    ossenc_context c;
    SIZED(c);
    c.tenant = text("tenant");
    c.bucket_id = text("bucket");
    c.object = text(object);
    return c;
}

ossenc_choice choice_of(uint32_t method, const char *key)
{
    ossenc_choice c;
    SIZED(c);
    c.method = method;
    c.key_id = text(key);
    return c;
}

const ossenc_expect *anything(void)
{
    static ossenc_in keys[3];
    static ossenc_expect e;
    if (e.size == 0) {
        keys[0] = text("k1");
        keys[1] = text("k2");
        keys[2] = text("k3");
        e.methods = OSSENC_ALLOW_SSE_OSS | OSSENC_ALLOW_SSE_KMS;
        e.key_ids = keys;
        e.n = 3;
        e.size = sizeof e;
    }
    return &e;
}

ossenc_status create(ossenc_keyring *keyring, const ossenc_choice *choice, const ossenc_context *context,
                     int32_t segmented, struct sealed *sealed)
{
    ossenc_op *op = NULL;
    ossenc_out room = out(sealed->envelope, sizeof sealed->envelope);
    ossenc_status status = ossenc_object_create(keyring, choice, context, segmented, NULL, &op);
    memset(sealed, 0, sizeof *sealed);
    if (status == OSSENC_OK)
        status = ossenc_op_run(op, NULL, NULL, 0, NULL);
    if (status == OSSENC_OK)
        status = ossenc_op_envelope(op, &room);
    if (status == OSSENC_OK)
        status = ossenc_op_object(op, &sealed->object);
    sealed->n = room.n;
    ossenc_op_free(op);
    return status;
}

static void create_shape(struct world *w, const char *name, int32_t segmented, struct sealed *sealed)
{
    ossenc_choice choice = choice_of(OSSENC_METHOD_SSE_OSS, "k1");
    ossenc_context context = context_of(name);
    OK(create(w->keyring, &choice, &context, segmented, sealed));
}

void create_k1(struct world *w, const char *name, struct sealed *sealed)
{
    create_shape(w, name, 0, sealed);
}

void create_segmented(struct world *w, const char *name, struct sealed *sealed)
{
    create_shape(w, name, 1, sealed);
}

ossenc_status open_with(const ossenc_keyring *keyring, ossenc_in envelope, const ossenc_context *context,
                        const ossenc_expect *expect, const ossenc_object **object)
{
    ossenc_op *op = NULL;
    ossenc_error error = new_error();
    ossenc_status status = ossenc_object_open(keyring, envelope, context, expect, NULL, &op);
    *object = NULL;
    if (status != OSSENC_OK) {
        CHECK(op == NULL);
        return status;
    }
    status = ossenc_op_run(op, NULL, NULL, 0, &error);
    EQUAL(error.status, status);
    if (status == OSSENC_OK) {
        OK(ossenc_op_object(op, object));
    } else {
        const ossenc_object *no = (const ossenc_object *)op;
        STATUS(OSSENC_E_STATE, ossenc_op_object(op, &no));
        CHECK(no == NULL);
    }
    ossenc_op_free(op);
    return status;
}

ossenc_status open_status(const ossenc_keyring *keyring, ossenc_in envelope, const char *name)
{
    const ossenc_object *object;
    ossenc_context context = context_of(name);
    ossenc_status status = open_with(keyring, envelope, &context, anything(), &object);
    ossenc_object_free(object);
    return status;
}

const size_t LENGTHS[LENGTHS_N] = {0, 1, 15, 16, 17, 16383, 16384, 16385, 32767, 32768, 32769, 40000, 81920};

uint64_t body_len(uint64_t plain)
{
    uint64_t body = 0;
    OK(ossenc_layout_size(OSSENC_INLINE, plain, &body, NULL));
    return body;
}

byte *seal_pattern(const ossenc_object *object, size_t plain, size_t *n)
{
    byte *source = patterned(plain), *body;
    ossenc_out room;
    *n = (size_t)body_len(plain);
    body = get(*n);
    room = out(body, *n);
    OK(ossenc_seal(object, 0, OSSENC_INLINE, in(source, plain), &room, NULL, NULL));
    EQUAL(room.n, *n);
    free(source);
    return body;
}

ossenc_map *new_map(const byte *body, uint64_t n, uint64_t plain)
{
    ossenc_map *map = NULL;
    OK(ossenc_map_single(OSSENC_INLINE, n, plain, in(body, OSSENC_HEAD), &map));
    return map;
}

ossenc_status rewrap(ossenc_keyring *keyring, struct sealed *s, const char *name, const ossenc_choice *to,
                     const ossenc_context *new_context, int keep)
{
    ossenc_context context = context_of(name);
    byte room_bytes[OSSENC_ENVELOPE_MAX];
    ossenc_out room = out(room_bytes, sizeof room_bytes);
    ossenc_op *op = NULL;
    ossenc_status status =
        ossenc_rewrap(keyring, in(s->envelope, s->n), &context, anything(), to, new_context, keep, NULL, &op);
    if (status == OSSENC_OK)
        status = ossenc_op_run(op, NULL, NULL, 0, NULL);
    if (status == OSSENC_OK)
        status = ossenc_op_envelope(op, &room);
    ossenc_op_free(op);
    if (status == OSSENC_OK) {
        CHECK(memcmp(s->envelope, room_bytes, AT_COUNT) == 0); /* the prelude stays */
        memcpy(s->envelope, room_bytes, room.n);
        s->n = room.n;
    }
    return status;
}

void check_body(struct world *w, const struct sealed *s, const char *name, const byte *body, size_t n, size_t plain)
{
    ossenc_context context = context_of(name);
    const ossenc_object *object = NULL;
    OK(open_with(w->keyring, in(s->envelope, s->n), &context, anything(), &object));
    if (object) {
        ossenc_map *map = new_map(body, n, plain);
        byte *p = get(plain), *wanted = patterned(plain);
        ossenc_out room = out(p, plain);
        OK(ossenc_open(object, map, in(body, n), none(), &room, NULL));
        CHECK(room.n == plain && memcmp(p, wanted, plain) == 0);
        free(p);
        free(wanted);
        ossenc_map_free(map);
    }
    ossenc_object_free(object);
}

struct segment segment_seal(const ossenc_object *object, uint32_t part, uint32_t layout, size_t plain, uint64_t first)
{
    struct segment s;
    uint64_t body = 0, side = 0;
    byte *source = get(plain);
    ossenc_out body_room, side_room;
    for (size_t i = 0; i < plain; i++)
        source[i] = pattern(first + i);
    OK(ossenc_layout_size(layout, plain, &body, &side));
    s.body_n = (size_t)body;
    s.side_n = (size_t)side;
    s.body = get(s.body_n);
    s.side = get(s.side_n);
    SIZED(s.receipt);
    body_room = out(s.body, s.body_n);
    side_room = out(s.side, s.side_n);
    OK(ossenc_seal(object, part, layout, in(source, plain), &body_room, &side_room, &s.receipt));
    CHECK(body_room.n == s.body_n && side_room.n == s.side_n);
    free(source);
    return s;
}

void segment_free(struct segment *segment)
{
    free(segment->body);
    free(segment->side);
    segment->body = segment->side = NULL;
}

size_t read_extents(const ossenc_object *object, const ossenc_map *map, const struct segment *segments, uint64_t off,
                    uint64_t len, size_t room, byte *p, ossenc_status *status, ossenc_error *error)
{
    uint64_t next = off;
    const uint64_t end = off + len < off ? UINT64_MAX : off + len;
    size_t got = 0, n;
    ossenc_extent extents[8];
    do {
        *status = ossenc_plan(map, next, end - next, 0, extents, room, &n, &next);
        for (size_t i = 0; i < n && *status == OSSENC_OK; i++) {
            const ossenc_extent *e = &extents[i];
            const struct segment *s = &segments[e->segment];
            ossenc_opener *opener = NULL;
            ossenc_segment place;
            ossenc_iov src = iov(s->body + e->body_off, e->body), dst = iov(p + got, e->take);
            SIZED(place);
            OK(ossenc_map_segment(map, e->segment, &place));
            CHECK(e->body_off + e->body <= s->body_n);
            *status = ossenc_opener_new(object, map, e->segment, &opener, error);
            if (*status == OSSENC_OK)
                *status = ossenc_open_extent(
                    opener, e, &src, 1,
                    in((place.layout == OSSENC_PAGED ? s->body : s->side) + e->side_off, e->side), &dst, 1, error);
            ossenc_opener_free(opener);
            if (*status == OSSENC_OK)
                got += e->take;
        }
    } while (*status == OSSENC_OK && n > 0 && next < end);
    return got;
}
