#define _GNU_SOURCE
/*
 * The same work in C: one verified TLS connection with OpenSSL, sign in, find the role, create the key, sign out.
 *
 *   one_connection HOST PORT PASSWORD-FILE [CA-FILE]
 *
 * Without CA-FILE it trusts the system's certificates, or those in SSL_CERT_FILE. It understands only the responses of nginx.conf and
 * stops at any other, so it is a yardstick and not a tool.
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
static char response[ROOM];

static void die(const char *what)
{
	fprintf(stderr, "one_connection: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static int connect_to_host(void)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found, *each;
	int one = 1, s = -1;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		die("could not resolve the host name");
	for (each = found; each && s < 0; each = each->ai_next) {
		s = socket(each->ai_family, each->ai_socktype, each->ai_protocol);
		if (s >= 0 && connect(s, each->ai_addr, each->ai_addrlen) != 0) {
			close(s);
			s = -1;
		}
	}
	freeaddrinfo(found);
	if (s < 0)
		die("could not connect");
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return s;
}

static void handshake(const char *ca)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context)
		die("could not set up TLS");
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (ca ? !SSL_CTX_load_verify_file(context, ca) : !SSL_CTX_set_default_verify_paths(context))
		die("could not read the trusted certificates");
	tls = SSL_new(context);
	if (!tls || !SSL_set_tlsext_host_name(tls, host) || !SSL_set1_host(tls, host))
		die("could not set up TLS for this host");
	SSL_set_fd(tls, connect_to_host());
	if (SSL_connect(tls) != 1)
		die("the handshake failed");
}

/* Sends one request, reads the response and returns its body. */
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
		die("could not send the request");
	for (;;) {
		got = SSL_read(tls, response + have, ROOM - 1 - have);
		if (got <= 0)
			die("the response is incomplete");
		have += got;
		response[have] = 0;
		end = strstr(response, "\r\n\r\n");
		length = strcasestr(response, "\r\ncontent-length:");
		if (end && length && response + have - (end + 4) >= atol(length + 17))
			break;
	}
	if (strncmp(response, "HTTP/1.1 200", 12) != 0)
		die("the response has another status than 200");
	return end + 4;
}

/* Copies the text between BEFORE and the next character of ENDS. */
static void take(char *to, size_t room, const char *text, const char *before, const char *ends)
{
	const char *start = strstr(text, before);
	size_t length;

	if (!start)
		die("the response lacks a field");
	start += strlen(before);
	length = strcspn(start, ends);
	if (length >= room)
		die("a field of the response is too long");
	memcpy(to, start, length);
	to[length] = 0;
}

int main(int argc, char **argv)
{
	char password[256], sid[256], rid[256], id[32], secret[256], headers[1024], path[512], body[1024], *reply;
	FILE *file;

	if (argc < 4)
		die("HOST PORT PASSWORD-FILE [CA-FILE]");
	host = argv[1];
	port = argv[2];
	file = fopen(argv[3], "r");
	if (!file || !fgets(password, sizeof password, file))
		die("could not read the password");
	fclose(file);
	password[strcspn(password, "\n")] = 0;
	handshake(argc > 4 ? argv[4] : NULL);

	snprintf(body, sizeof body, "{\"userName\":\"admin\",\"password\":\"%s\"}", password);
	reply = call("POST", "/api/sessions", "", body);
	take(rid, sizeof rid, reply, "\"RID\":\"", "\"");
	take(sid, sizeof sid, response, "sID=", ";\r");
	snprintf(headers, sizeof headers, "Cookie: sID=%s\r\nrID: %s\r\n", sid, rid);

	reply = call("POST", "/api/roles/search", headers,
		    "{\"maxItems\":2,\"searchCriteria\":[{\"fieldName\":\"name\",\"stringTest\":\"equal\","
		    "\"stringValue\":\"Auditor\",\"stringWildcards\":false}]}");
	take(id, sizeof id, reply, "\"ID\":", ",}");

	snprintf(body, sizeof body, "{\"keyName\":\"one connection\",\"roleID\":%s,\"locale\":\"en-US\"}", id);
	reply = call("POST", "/api/apikeys", headers, body);
	take(secret, sizeof secret, reply, "\"secretKey\":\"", "\"");
	printf("%s\n", secret);

	snprintf(path, sizeof path, "/rest/authentication/logout?sID=%s", sid);
	call("DELETE", path, headers, "");
	SSL_shutdown(tls);
	return 0;
}
