#define _GNU_SOURCE
/*
 * The same work by hand in C: one verified TLS connection by OpenSSL, sign in, find the role, create the key, sign out.
 *
 *   one_connection HOST PORT PASSWORD-FILE [CA-FILE]
 *
 * Without CA-FILE the system's certificates are trusted (SSL_CERT_FILE counts). It knows the answers that it is tried with, and
 * stops at any other: it is a yardstick and no tool.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { ROOM = 64 * 1024 };

static const char *host, *port;
static SSL *tls;
static char answer[ROOM];

static void die(const char *what)
{
	fprintf(stderr, "one_connection: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static int connected(void)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found, *each;
	int one = 1, s = -1;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		die("the name cannot be resolved");
	for (each = found; each && s < 0; each = each->ai_next) {
		s = socket(each->ai_family, each->ai_socktype, each->ai_protocol);
		if (s >= 0 && connect(s, each->ai_addr, each->ai_addrlen) != 0) {
			close(s);
			s = -1;
		}
	}
	freeaddrinfo(found);
	if (s < 0)
		die("no connection");
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return s;
}

static void shake_hands(const char *ca)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context)
		die("no TLS");
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (ca ? !SSL_CTX_load_verify_file(context, ca) : !SSL_CTX_set_default_verify_paths(context))
		die("the certificates to trust cannot be read");
	tls = SSL_new(context);
	if (!tls || !SSL_set_tlsext_host_name(tls, host) || !SSL_set1_host(tls, host))
		die("no TLS for this host");
	SSL_set_fd(tls, connected());
	if (SSL_connect(tls) != 1)
		die("the handshake failed");
}

/* Sends one request and reads one answer; returns its body. */
static char *call(const char *method, const char *path, const char *headers, const char *body)
{
	static char request[ROOM];
	char *end = NULL, *length;
	int size, got, have = 0;

	size = snprintf(request, sizeof request,
			"%s %s HTTP/1.1\r\nHost: %s:%s\r\napi-version: v1\r\nAccept: application/json\r\n"
			"Content-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
			method, path, host, port, headers, strlen(body), body);
	if (size < 0 || size >= ROOM || SSL_write(tls, request, size) != size)
		die("the request cannot be sent");
	for (;;) {
		got = SSL_read(tls, answer + have, ROOM - 1 - have);
		if (got <= 0)
			die("the answer is not whole");
		have += got;
		answer[have] = 0;
		end = strstr(answer, "\r\n\r\n");
		length = strcasestr(answer, "\r\ncontent-length:");
		if (end && length && answer + have - (end + 4) >= atol(length + 17))
			break;
	}
	if (strncmp(answer, "HTTP/1.1 200", 12) != 0)
		die("the manager refuses");
	return end + 4;
}

/* What stands between BEFORE and the next of ENDS. */
static void take(char *to, size_t room, const char *text, const char *before, const char *ends)
{
	const char *start = strstr(text, before);
	size_t length;

	if (!start)
		die("the answer lacks a field");
	start += strlen(before);
	length = strcspn(start, ends);
	if (length >= room)
		die("a field of the answer is too long");
	memcpy(to, start, length);
	to[length] = 0;
}

int main(int argc, char **argv)
{
	char password[256], sid[256], rid[256], id[32], secret[256], headers[1024], path[512], body[1024], *said;
	FILE *file;

	if (argc < 4)
		die("HOST PORT PASSWORD-FILE [CA-FILE]");
	host = argv[1];
	port = argv[2];
	file = fopen(argv[3], "r");
	if (!file || !fgets(password, sizeof password, file))
		die("the password cannot be read");
	fclose(file);
	password[strcspn(password, "\n")] = 0;
	shake_hands(argc > 4 ? argv[4] : NULL);

	snprintf(body, sizeof body, "{\"userName\":\"admin\",\"password\":\"%s\"}", password);
	said = call("POST", "/api/sessions", "", body);
	take(rid, sizeof rid, said, "\"RID\":\"", "\"");
	take(sid, sizeof sid, answer, "sID=", ";\r");
	snprintf(headers, sizeof headers, "Cookie: sID=%s\r\nrID: %s\r\n", sid, rid);

	said = call("POST", "/api/roles/search", headers,
		    "{\"maxItems\":2,\"searchCriteria\":[{\"fieldName\":\"name\",\"stringTest\":\"equal\","
		    "\"stringValue\":\"Auditor\",\"stringWildcards\":false}]}");
	take(id, sizeof id, said, "\"ID\":", ",}");

	snprintf(body, sizeof body, "{\"keyName\":\"one connection\",\"roleID\":%s,\"locale\":\"en-US\"}", id);
	said = call("POST", "/api/apikeys", headers, body);
	take(secret, sizeof secret, said, "\"secretKey\":\"", "\"");
	printf("%s\n", secret);

	snprintf(path, sizeof path, "/rest/authentication/logout?sID=%s", sid);
	call("DELETE", path, headers, "");
	SSL_shutdown(tls);
	return 0;
}
