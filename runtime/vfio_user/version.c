/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* VERSION: protocol version and capabilities. */
#include <json-c/json.h>
#include <stdio.h>

#include "runtime/vfio_user/server.h"

/* most deeply nested and longest capability text we parse; QEMU sends about 200 bytes, two levels deep */
#define CAPABILITIES_MAX 4096
#define CAPABILITIES_DEPTH 8

/* the client's text must be one JSON object and NUL-terminated; what it offers does not change what we do */
static int check_capabilities(const u8 *text, u32 len)
{
	struct json_tokener *tokener;
	struct json_object *caps;
	int err = -EINVAL;

	if (!len)
		return 0;
	if (len > CAPABILITIES_MAX || text[len - 1])
		return -EINVAL;
	tokener = json_tokener_new_ex(CAPABILITIES_DEPTH);
	if (!tokener)
		return -ENOMEM;
	caps = json_tokener_parse_ex(tokener, (const char *)text, (int)strlen((const char *)text));
	if (json_object_is_type(caps, json_type_object))
		err = 0;
	json_object_put(caps);
	json_tokener_free(tokener);
	return err;
}

/* QEMU receives our reply into its request's buffer: the text must not be longer than its own. The richest that fits. */
static void our_capabilities(char *text, size_t text_bytes, u32 room)
{
	int len = snprintf(text, text_bytes, "{\"capabilities\":{\"max_msg_fds\":%u,\"max_data_xfer_size\":%u,\"pgsizes\":4096}}",
			   VFIO_USER_FDS_MAX / 2, VFIO_USER_DATA_MAX);

	if ((u32)len >= room)
		snprintf(text, text_bytes, "%s", room > strlen("{\"capabilities\":{}}") ? "{\"capabilities\":{}}" : "{}");
}

int vfio_user_on_version(struct vfio_user *s)
{
	struct { struct vfio_user_version v; char text[128]; } reply = { .v = { VFIO_USER_MAJOR, VFIO_USER_MINOR } };
	struct vfio_user_version want;
	int err = vfio_user_body(s, &want, sizeof(want));

	if (err)
		return err;
	if (want.major != VFIO_USER_MAJOR)
		return -EPROTO;
	err = check_capabilities(s->body + sizeof(want), s->body_bytes - (u32)sizeof(want));
	if (err)
		return err;
	our_capabilities(reply.text, sizeof(reply.text), s->body_bytes - (u32)sizeof(want));
	s->negotiated = true;
	return vfio_user_reply(s, &reply, (u32)(sizeof(reply.v) + strlen(reply.text) + 1));
}
