// Our own script: live parts, times in the reader's zone, copy buttons. Pages work without it.
"use strict";
(() => {
  const doc = document, all = (selector, within = doc) => [...within.querySelectorAll(selector)];
  const said = doc.getElementById("said");
  let saidAt = 0;
  const say = text => {
    if (!said || !text) return;
    const wait = Math.max(0, saidAt + 5000 - Date.now());
    saidAt = Date.now() + wait;
    setTimeout(() => { said.textContent = text; }, wait);
  };

  const zoned = new Intl.DateTimeFormat("en", { timeZoneName: "short" });
  const two = number => String(number).padStart(2, "0");
  const localise = within => {
    if (doc.documentElement.dataset.zone === "utc") return;
    for (const time of all("time[datetime]", within)) {
      const date = new Date(time.dateTime);
      if (isNaN(date) || time.title) continue;
      const zone = zoned.formatToParts(date).find(part => part.type === "timeZoneName");
      time.title = time.textContent;
      time.textContent = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())} ${zone ? zone.value : ""}`;
    }
  };

  const offer = within => {
    for (const button of all("button[data-copy]", within)) button.hidden = false;
    localise(within);
  };
  doc.addEventListener("click", async event => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const source = doc.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      say(button.dataset.copied);
      button.dataset.done = "";
      setTimeout(() => delete button.dataset.done, 2000);
    } catch {
      getSelection().selectAllChildren(source);
    }
  });

  // Each part as the server sent it last: only what changed is put in anew.
  const sent = new Map(all("[data-part]").map(part => [part.id, part.outerHTML]));
  const FOCUS = "a,button,input,select,textarea,summary";
  const swap = (old, fresh) => {
    const focus = doc.activeElement, inside = old.contains(focus);
    const place = inside ? all(FOCUS, old).indexOf(focus) : -1;
    for (const details of all("details[id]", old)) {
      const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
      if (same) same.open = details.open;
    }
    offer(fresh);
    old.replaceWith(fresh);
    if (!inside) return;
    const next = (focus.id && doc.getElementById(focus.id)) || all(FOCUS, fresh)[place] || fresh;
    if (next === fresh) fresh.tabIndex = -1;
    next.focus({ preventScroll: true });
  };
  let busy = false, again = false;
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      if (answer.redirected || answer.status === 404) { location.reload(); return; }
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const parts = all("[data-part]", page), here = all("[data-part]");
        if (parts.map(part => part.id).join() !== here.map(part => part.id).join()) {
          const old = doc.querySelector("[data-live]"), fresh = page.querySelector("[data-live]");
          sent.clear();
          for (const part of parts) sent.set(part.id, part.outerHTML);
          if (old && fresh) swap(old, doc.importNode(fresh, true));
        } else for (const part of parts) {
          if (sent.get(part.id) === part.outerHTML) continue;
          sent.set(part.id, part.outerHTML);
          swap(doc.getElementById(part.id), doc.importNode(part, true));
        }
        doc.title = page.title;
        const old = live.dataset.said, fresh = page.querySelector("[data-said]");
        if (fresh && fresh.dataset.said !== old) { live.dataset.said = fresh.dataset.said; say(fresh.dataset.said); }
      }
    } catch { /* The next change, or look, will tell. */ }
    busy = false;
    if (again) { again = false; refresh(); }
  };

  offer(doc);
  let live = doc.querySelector("[data-live]");
  if (!live) return;
  const topics = live.dataset.live.toLowerCase().split(" ");
  const hear = name => {
    live = doc.querySelector("[data-live]") || live;
    if (name === "*" || topics.some(topic => topic === "*" || topic === name || name.startsWith(topic + "/"))) refresh();
  };
  const look = every => setInterval(() => hear("*"), every);
  if (!navigator.locks || !window.BroadcastChannel || !window.EventSource) { look(15000); return; }
  look(60000);
  const channel = new BroadcastChannel("portolan");
  channel.onmessage = event => hear(event.data);
  // One page holds the stream for all: browsers open six connections to a host.
  navigator.locks.request("portolan", () => new Promise(() => {
    const open = () => {
      const stream = new EventSource("/events");
      const tell = name => { channel.postMessage(name); hear(name); };
      stream.onmessage = event => tell(event.data);
      stream.addEventListener("open", () => tell("*"));
      stream.onerror = () => { if (stream.readyState === 2) setTimeout(open, 3000); };
    };
    open();
  }));
})();
