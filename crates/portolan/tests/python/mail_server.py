"""A mail server for the tests, with aiosmtpd: one JSON line for each mail it takes, read by Python's own parser.

Gets {"tls": "none"|"starttls"|"tls", "port", "certificate", "key", "user", "password"} as its argument. Takes no mail for addresses
that begin with "gone"; none at the first try for those that begin with "grey". Each line on standard input is how it goes on:
"take", "drop" (it takes the next mail and cuts the connection before it says so), "away" (it refuses everybody)."""
import asyncio
import email
import email.policy
import json
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult

given = json.loads(sys.argv[1])
mode = "take"
greyed = set()


def read(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    defects = [repr(defect) for part in mail.walk() for defect in part.defects]
    defects += [repr(defect) for value in mail.values() for defect in getattr(value, "defects", [])]
    text, html = mail.get_body(["plain"]), mail.get_body(["html"])
    return {
        "headers": [[name, str(value)] for name, value in mail.items()],
        "defects": defects,
        "parts": [part.get_content_type() for part in mail.walk()],
        "text": text.get_content() if text else "",
        "html": html.get_content() if html else "",
    }


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if mode == "away":
            return "421 4.3.2 not now"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone"):
            return f"550 5.1.1 <{address}>: there is nobody of this name"
        if address.startswith("grey") and address not in greyed:
            greyed.add(address)
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global mode
        seen = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": server.transport.get_extra_info("sslcontext") is not None,
                "login": session.authenticated, "raw": envelope.content.decode("ascii")}
        print(json.dumps(seen | read(envelope.content)), flush=True)
        if mode == "drop":
            mode = "take"
            server.transport.abort()
        return "250 OK"


def let_in(server, session, envelope, mechanism, login):
    right = (login.login, login.password) == (given["user"].encode(), given["password"].encode())
    return AuthResult(success=right, handled=False, auth_data=login if right else None)


async def main():
    context = None
    if given["tls"] != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(given["certificate"], given["key"])
    wants_login = bool(given.get("user"))

    def session():
        return SMTP(Handler(), hostname="mail.test", tls_context=context if given["tls"] == "starttls" else None,
                    require_starttls=given["tls"] == "starttls", auth_required=wants_login,
                    auth_require_tls=given["tls"] == "starttls",
                    authenticator=let_in if wants_login else None)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", given["port"], ssl=context if given["tls"] == "tls" else None)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)

    def listen():
        global mode
        for line in sys.stdin:
            mode = line.strip()
            print(json.dumps({"mode": mode}), flush=True)
        loop.call_soon_threadsafe(loop.stop)

    threading.Thread(target=listen, daemon=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    if given.get("only_read"):
        for line in sys.stdin:
            print(json.dumps(read(json.loads(line).encode("ascii"))), flush=True)
    else:
        try:
            asyncio.run(main())
        except RuntimeError:
            pass
