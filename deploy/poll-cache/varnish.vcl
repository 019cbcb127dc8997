# Varnish that collapses polls (--poll-cache). Exercised by tests/api/poll_cache.rs.
# Put your address in place of this one.

vcl 4.1;

backend chat {
    .host = "10.0.0.11";
    .port = "8080";
    # Above the longest long-poll, 60 s.
    .first_byte_timeout = 75s;
    .between_bytes_timeout = 75s;
}

sub vcl_recv {
    # For --trusted-proxy: Varnish adds the client's address to `X-Forwarded-For` itself.
    unset req.http.Forwarded;
    if (req.url ~ "^/poll(\?|$)") {
        # What is for one reader must not wait for another request to the same address.
        if (req.url ~ "[?&](client|ticket)=" || req.http.Authorization || req.http.Last-Event-ID) {
            return (pass);
        }
        # Of other programs on this host: the server looks at none without tokens.
        unset req.http.Cookie;
        return (hash);
    }
    if (req.url ~ "^/stream(\?|$)") {
        # Each event as it comes.
        return (pipe);
    }
    return (pass);
}

sub vcl_backend_response {
    # An old answer would be asked for again at once.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
}
