"""Configurations as people write them, and what is asked of each. `{name}` is an origin's port, or one to bind to."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ask:
    host: str
    target: str = "/"
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """`refused`: words with which the lines begin that cannot be carried, each of which changes nothing of `asks`."""

    text: str
    asks: tuple[Ask, ...]
    host: str = ""
    refused: tuple[str, ...] = ()


HEAD = """\
global
    maxconn 500            # of the whole process
    log /dev/log local0

defaults
    mode http
    option httplog
    option dontlognull
    retries 2
    timeout connect 2s
    timeout client  10s
    timeout server  10s
    timeout check   1s

"""

BLOG = Site(
    HEAD
    + r"""
frontend www
    bind 127.0.0.1:{front}
    option forwardfor
    acl blog        hdr(host) -i blog.test www.blog.test
    acl is_static   path_beg /static/ /images/
    acl is_static   path_end -i .jpg .png .css .js
    acl is_admin    path_beg /wp-admin
    acl is_ajax     path /wp-admin/admin-ajax.php
    acl office      src 10.0.0.0/8 192.168.0.0/255.255.0.0
    http-request deny if is_admin !is_ajax !office
    http-request redirect prefix http://blog.test code 301 if {{ hdr(host) -i www.blog.test }}
    http-request set-header X-From "the edge"
    use_backend files if is_static blog
    use_backend files if {{ hdr_beg(host) -i img. }}
    default_backend php
    acl images      hdr(host) img.blog.test
    use_backend php if images

backend php
    balance leastconn
    cookie SRV insert indirect nocache
    server php1 127.0.0.1:{php} cookie php1 weight 10

backend files
    balance roundrobin
    http-response set-header Cache-Control "public, max-age=3600"
    server files1 127.0.0.1:{files} maxconn 50
""",
    (
        Ask("blog.test"),
        Ask("blog.test", "/2026/11/hello?p=1"),
        Ask("BLOG.test", "/static/a.css"),
        Ask("blog.test", "/static"),
        Ask("blog.test", "/static/"),
        Ask("blog.test", "/staticfiles/x"),
        Ask("blog.test", "/images/a/b"),
        Ask("blog.test", "/up/photo.JPG"),
        Ask("blog.test", "/up/photo.jpg?size=2"),
        Ask("blog.test", "/up/photo.jpg/more"),
        Ask("blog.test", "/x.js"),
        Ask("blog.test", "/wp-admin"),
        Ask("blog.test", "/wp-admin/edit.php"),
        Ask("blog.test", "/wp-admin/admin-ajax.php", "POST"),
        Ask("blog.test", "/wp-admin/admin-ajax.php?a=1"),
        Ask("blog.test", "/wp-administrator"),
        Ask("blog.test", "/wp-admin/photo.png"),
        Ask("www.blog.test", "/2026?p=2&q=3"),
        Ask("www.blog.test", "/wp-admin/"),
        Ask("www.blog.test", "/wp-admin/admin-ajax.php"),
        Ask("img.blog.test", "/anything"),
        Ask("img.blog.test", "/wp-admin"),
        Ask("blog.test:8080", "/"),
    ),
)

API = Site(
    HEAD
    + r"""
frontend api
    bind 127.0.0.1:{front}
    # who may try the next version
    acl canary      req.hdr(X-Canary) -i always yes
    acl canary      req.cook(canary) 1
    acl beta        url_param(beta) -m found
    acl v1          path_reg ^/v1(/|$)
    acl v2          path_beg /v2/
    acl reads       method GET HEAD
    acl known_app   req.hdr(User-Agent) -m beg app/
    http-request return status 200 content-type application/json string '{{"up": true}}' if {{ path /ping }}
    http-request deny deny_status 405 if {{ method TRACE }} or {{ method DELETE }} !known_app
    http-request return status 410 content-type text/plain string "gone # for good" if v1 !known_app
    http-request add-header X-Canary-Seen yes if canary
    use_backend next if v2 canary or v2 beta
    use_backend reports if v2 reads {{ path_sub /reports }}
    use_backend v2 if v2
    use_backend old if v1 known_app
    use_backend reports if {{ path_end /report }} METH_GET
    monitor-uri /alive

backend next
    http-request replace-path ^/v2/(.*)$ /next/\1
    server next1 127.0.0.1:{next}

backend reports
    server reports1 127.0.0.1:{reports}

backend v2
    server two 127.0.0.1:{two}

backend old
    http-request set-header X-Old "100%% sure"
    server one 127.0.0.1:{old}
""",
    (
        Ask("api.test", "/ping"),
        Ask("api.test", "/ping?x"),
        Ask("api.test", "/alive"),
        Ask("api.test", "/v2/users"),
        Ask("api.test", "/v2/users", headers={"X-Canary": "always"}),
        Ask("api.test", "/v2/users", headers={"X-Canary": "YES"}),
        Ask("api.test", "/v2/users", headers={"X-Canary": "no"}),
        Ask("api.test", "/v2/users", headers={"Cookie": "a=2; canary=1"}),
        Ask("api.test", "/v2/users", headers={"Cookie": "canary=2"}),
        Ask("api.test", "/v2/users?beta=1"),
        Ask("api.test", "/v2/users?alphabeta=1"),
        Ask("api.test", "/v2/reports/7"),
        Ask("api.test", "/v2/reports/7", "POST"),
        Ask("api.test", "/v2/reports/7", headers={"X-Canary": "yes"}),
        Ask("api.test", "/v2"),
        Ask("api.test", "/v1"),
        Ask("api.test", "/v1/a", headers={"User-Agent": "app/7"}),
        Ask("api.test", "/v11", headers={"User-Agent": "app/7"}),
        Ask("api.test", "/v2/users/1", "DELETE"),
        Ask("api.test", "/v2/users/1", "DELETE", {"User-Agent": "app/7"}),
        Ask("api.test", "/daily/report"),
        Ask("api.test", "/daily/report", "HEAD"),
        Ask("api.test", "/v2/daily/report", "POST"),
    ),
    host="api.test",
)

SECURE = Site(
    HEAD
    + r"""
frontend plain
    bind 127.0.0.1:{front}
    http-request redirect scheme https code 301 unless {{ path_beg /.well-known/acme-challenge/ }}
    default_backend acme

frontend secure
    bind 127.0.0.1:{front_tls} ssl crt {certificate} alpn h2,http/1.1
    http-response set-header Strict-Transport-Security max-age=86400
    redirect location https://shop.test/ code 302 if {{ hdr(host) -i old.shop.test }} {{ path / }}
    redirect prefix https://shop.test code 308 if {{ hdr(host) -i old.shop.test }}
    use_backend assets if {{ hdr_end(host) -i .cdn.shop.test }}
    use_backend shop if {{ hdr(host) -i shop.test }}

backend acme
    server acme1 127.0.0.1:{acme}

backend shop
    http-request set-header X-Forwarded-Proto https
    redirect location /de/ if {{ path / }} {{ hdr(Accept-Language) -m beg de }}
    server shop1 127.0.0.1:{shop}

backend assets
    server assets1 127.0.0.1:{assets}
""",
    (
        Ask("shop.test"),
        Ask("shop.test", "/cart?id=7&x=%20"),
        Ask("shop.test", "/.well-known/acme-challenge/token"),
        Ask("shop.test", "/.well-known/acme-challenge"),
        Ask("old.shop.test", "/x"),
        Ask("shop.test", "/", tls=True),
        Ask("shop.test", "/cart?id=7", tls=True),
        Ask("shop.test", "/", headers={"Accept-Language": "de-CH,de;q=0.9"}, tls=True),
        Ask("shop.test", "/x", headers={"Accept-Language": "de-CH,de;q=0.9"}, tls=True),
        Ask("shop.test", "/", headers={"Accept-Language": "en"}, tls=True),
        Ask("shop.test", "/.well-known/acme-challenge/token", tls=True),
        Ask("old.shop.test", "/", tls=True),
        Ask("old.shop.test", "/a?b=c", tls=True),
        Ask("a.cdn.shop.test", "/a.css", tls=True),
        Ask("b.cdn.shop.test", "/", tls=True),
        Ask("shop.test", "/", headers={"X-Forwarded-Proto": "https"}),
        Ask("shop.test", "/", headers={"X-Forwarded-Proto": "http"}, tls=True),
        Ask("old.shop.test", "/.well-known/acme-challenge/token"),
        Ask("shop.test", "/", "POST", tls=True),
        Ask("shop.test", "/.well-known/acme-challenge/", "HEAD"),
    ),
    refused=("http-request redirect scheme https code 301",),  # of *.cdn.shop.test, for which no host can be said
)

MAINTENANCE = Site(
    HEAD
    + r"""
frontend public
    bind 127.0.0.1:{front}
    acl me       src 203.0.113.7
    acl works    hdr(host) -i works.test
    acl dead     nbsrv(app) lt 1
    errorfile 503 /etc/haproxy/errors/503.http
    http-request allow if {{ path_beg /status }}
    http-request return status 503 content-type "text/html; charset=utf-8" string "<h1>Back at 8</h1>" if works !me
    http-request set-header X-App 1
    use_backend spare if dead
    default_backend app
    capture request header Host len 40

backend app
    option httpchk HEAD /health HTTP/1.1\r\nHost:\ app.test
    default-server inter 500ms rise 1 fall 1
    server gone 127.0.0.1:{closed} check
    server off 127.0.0.1:{app} check disabled

backend spare
    server spare1 127.0.0.1:{spare}

listen stats
    bind 127.0.0.1:{stats}
    stats enable
    stats uri /
""",
    (
        Ask("works.test"),
        Ask("works.test", "/x?y=1"),
        Ask("works.test", "/status"),
        Ask("works.test", "/status/db"),
        Ask("open.test"),
        Ask("open.test", "/status"),
        Ask("open.test", "/statusx"),
        Ask("open.test", "/y", "POST"),
        *(Ask("open.test", f"/page/{n}") for n in range(6)),
        *(Ask("works.test", f"/page/{n}", "HEAD" if n % 2 else "GET") for n in range(6)),
    ),
    host="open.test",
)

DATABASE = """\
defaults
    mode tcp
    timeout connect 2s
    timeout client 30m
    timeout server 30m

listen mysql
    bind 127.0.0.1:{front}
    maxconn 200
    balance leastconn
    option mysql-check user haproxy
    tcp-request connection reject unless {{ src 127.0.0.0/8 }}
    server db1 127.0.0.1:{db1} weight 3
    server db2 127.0.0.1:{db2} backup
"""
