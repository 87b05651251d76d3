import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.apache.tomcat.util.json.JSONParser;
import org.apache.tomcat.util.json.ParseException;

/**
 * Simulates the part of the manager that creating a key needs, inside a real Tomcat.
 *
 * <p>The keys survive a restart: each change is appended to the file {@code keys.log} in the folder that the system property
 * {@code manager.folder} names. A file in that folder switches on a behavior: {@code halt-after-create} exits the process once, after a
 * key was stored and before the response is sent. {@code login-page} redirects every call to the console's sign-in page.
 */
public final class Manager extends HttpServlet {
    private static final long serialVersionUID = 1;
    private static final String USER = "admin";
    private static final int AUDITOR = 2;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Path folder = Path.of(System.getProperty("manager.folder"));
    private final String password = System.getProperty("manager.password");
    private final Map<Long, Map<String, Object>> keys = new LinkedHashMap<>();
    private final Map<Long, String> secrets = new LinkedHashMap<>();
    private long lastId;

    @Override
    public void init() {
        try {
            load();
        } catch (IOException | ParseException error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    protected synchronized void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String path = request.getRequestURI();
        log(request, path);
        if (path.equals("/SignIn.screen")) {
            page(response, 200, "Trend Micro Deep Security Manager - Sign In");
        } else if (Files.exists(folder.resolve("login-page"))) {
            response.sendRedirect("/SignIn.screen");
        } else if (!path.startsWith("/api/")) {
            // Legacy REST is not simulated: Tomcat responds with its own page.
            response.sendError(404);
        } else if (!"v1".equals(request.getHeader("api-version"))) {
            refuse(response, 400, "Missing 'api-version' request header.");
        } else {
            call(request, response, request.getMethod() + " " + path);
        }
    }

    private void call(HttpServletRequest request, HttpServletResponse response, String call) throws IOException {
        if (call.equals("POST /api/sessions")) {
            signIn(request, response);
            return;
        }
        if (!isSignedIn(request)) {
            refuse(response, 401, "Invalid API Key");
            return;
        }
        switch (call.replaceAll("/\\d+", "/N")) {
            case "DELETE /api/sessions/current" -> {
                request.getSession().invalidate();
                response.setStatus(200);
            }
            case "POST /api/roles/search" -> json(response, Map.of("roles", roles(body(request))));
            case "GET /api/roles/N" -> json(response, role());
            case "POST /api/apikeys" -> create(body(request), response);
            case "POST /api/apikeys/search" -> json(response, Map.of("apiKeys", search(body(request))));
            case "GET /api/apikeys/current" -> withKey(request, response, "GET /api/apikeys/" + signer(request));
            default -> withKey(request, response, call);
        }
    }

    private void withKey(HttpServletRequest request, HttpServletResponse response, String call) throws IOException {
        String[] parts = call.split("/");
        long id = parts.length > 3 && parts[3].matches("\\d+") ? Long.parseLong(parts[3]) : -1;
        Map<String, Object> key = keys.get(id);
        if (key == null) {
            refuse(response, 404, "The API key does not exist");
        } else if (call.startsWith("GET ")) {
            json(response, key);
        } else if (call.startsWith("DELETE ")) {
            keys.remove(id);
            secrets.remove(id);
            append(Map.of("ID", id, "deleted", true));
            response.setStatus(200);
        } else if (call.endsWith("/secretkey")) {
            json(response, withNewSecret(key));
        } else {
            key.putAll(body(request));
            append(key);
            json(response, key);
        }
    }

    private void signIn(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Map<String, Object> sent = body(request);
        if (!USER.equals(sent.get("userName")) || !password.equals(sent.get("password"))) {
            refuse(response, 401, "User name or password is incorrect");
            return;
        }
        HttpSession session = request.getSession(true);
        String sid = hex(16);
        String rid = hex(16);
        session.setAttribute("sID", sid);
        session.setAttribute("rID", rid);
        Cookie cookie = new Cookie("sID", sid);
        cookie.setPath("/");
        cookie.setSecure(true);
        cookie.setHttpOnly(true);
        response.addCookie(cookie);
        json(response, Map.of("RID", rid, "administratorID", 1, "accessType", "webService"));
    }

    /** Checks both cookies and the header. Tomcat finds its session by JSESSIONID, and the session holds the other two. */
    private boolean isSignedIn(HttpServletRequest request) {
        if (request.getHeader("api-secret-key") != null) {
            return signer(request) != null;
        }
        HttpSession session = request.getSession(false);
        if (session == null || request.getCookies() == null) {
            return false;
        }
        boolean cookie = false;
        for (Cookie sent : request.getCookies()) {
            cookie |= sent.getName().equals("sID") && sent.getValue().equals(session.getAttribute("sID"));
        }
        return cookie && session.getAttribute("rID").equals(request.getHeader("rID"));
    }

    private Long signer(HttpServletRequest request) {
        String secret = request.getHeader("api-secret-key");
        for (Map.Entry<Long, String> entry : secrets.entrySet()) {
            if (entry.getValue().equals(secret)) {
                return entry.getKey();
            }
        }
        return null;
    }

    private void create(Map<String, Object> sent, HttpServletResponse response) throws IOException {
        Map<String, Object> key = new LinkedHashMap<>(sent);
        key.put("ID", ++lastId);
        key.put("active", true);
        key.put("created", System.currentTimeMillis());
        keys.put(lastId, key);
        Map<String, Object> made = withNewSecret(key);
        Path halt = folder.resolve("halt-after-create");
        if (Files.deleteIfExists(halt)) {
            Runtime.getRuntime().halt(1);
        }
        json(response, made);
    }

    private Map<String, Object> withNewSecret(Map<String, Object> key) throws IOException {
        long id = ((Number) key.get("ID")).longValue();
        byte[] bytes = new byte[32];
        RANDOM.nextBytes(bytes);
        String secret = id + ":" + Base64.getEncoder().encodeToString(bytes);
        secrets.put(id, secret);
        Map<String, Object> made = new LinkedHashMap<>(key);
        made.put("secretKey", secret);
        append(made);
        return made;
    }

    private List<Object> roles(Map<String, Object> filter) {
        String wanted = wanted(filter);
        return wanted == null || wanted.equals("Auditor") ? List.of(role()) : List.of();
    }

    private static Map<String, Object> role() {
        return Map.of("ID", AUDITOR, "name", "Auditor", "allowWebService", true, "allowUserInterface", true);
    }

    private List<Object> search(Map<String, Object> filter) {
        String wanted = wanted(filter);
        long above = criterion(filter, "idValue") instanceof Number id ? id.longValue() : 0;
        List<Object> found = new ArrayList<>();
        keys.forEach((id, key) -> {
            if (id > above && (wanted == null || wanted.equals(key.get("keyName")))) {
                found.add(key);
            }
        });
        return found;
    }

    /** The text that a search compares with, or null. */
    private static String wanted(Map<String, Object> filter) {
        return criterion(filter, "stringValue") instanceof String text ? text : null;
    }

    private static Object criterion(Map<String, Object> filter, String name) {
        if (filter.get("searchCriteria") instanceof List<?> criteria) {
            for (Object criterion : criteria) {
                if (criterion instanceof Map<?, ?> fields && fields.containsKey(name)) {
                    return fields.get(name);
                }
            }
        }
        return null;
    }

    private void load() throws IOException, ParseException {
        Path log = folder.resolve("keys.log");
        if (!Files.exists(log)) {
            return;
        }
        for (String line : Files.readAllLines(log)) {
            Map<String, Object> key = new JSONParser(line).object();
            long id = ((Number) key.get("ID")).longValue();
            lastId = Math.max(lastId, id);
            if (key.containsKey("deleted")) {
                keys.remove(id);
                secrets.remove(id);
                continue;
            }
            Object secret = key.remove("secretKey");
            if (secret != null) {
                secrets.put(id, (String) secret);
            }
            keys.put(id, key);
        }
    }

    private void append(Map<String, Object> key) throws IOException {
        write("keys.log", text(key));
    }

    private void log(HttpServletRequest request, String path) throws IOException {
        write("requests.log", request.getMethod() + " " + path);
    }

    private void write(String file, String line) throws IOException {
        Files.writeString(folder.resolve(file), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static Map<String, Object> body(HttpServletRequest request) throws IOException {
        byte[] bytes = request.getInputStream().readAllBytes();
        try {
            return bytes.length == 0 ? Map.of() : new JSONParser(new String(bytes, StandardCharsets.UTF_8)).object();
        } catch (ParseException error) {
            throw new IOException("the request is not a JSON object");
        }
    }

    private static void json(HttpServletResponse response, Map<String, Object> document) throws IOException {
        response.setContentType("application/json");
        response.setCharacterEncoding("UTF-8");
        response.getWriter().print(text(document));
    }

    private static void refuse(HttpServletResponse response, int status, String message) throws IOException {
        response.setStatus(status);
        json(response, Map.of("message", message));
    }

    private static void page(HttpServletResponse response, int status, String title) throws IOException {
        response.setStatus(status);
        response.setContentType("text/html;charset=UTF-8");
        response.getWriter().print("<!doctype html><html><head><title>" + title + "</title></head><body></body></html>");
    }

    private static String hex(int bytes) {
        return String.format("%0" + 2 * bytes + "X", new BigInteger(8 * bytes, RANDOM));
    }

    private static String text(Object value) {
        if (value instanceof Map<?, ?> map) {
            List<String> fields = new ArrayList<>();
            map.forEach((name, field) -> fields.add(quoted((String) name) + ":" + text(field)));
            return "{" + String.join(",", fields) + "}";
        }
        if (value instanceof List<?> list) {
            return "[" + String.join(",", list.stream().map(Manager::text).toList()) + "]";
        }
        return value instanceof String string ? quoted(string) : String.valueOf(value);
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            quoted.append(c < ' ' || c == '"' || c == '\\' ? String.format("\\u%04x", (int) c) : String.valueOf(c));
        }
        return quoted.append('"').toString();
    }
}
