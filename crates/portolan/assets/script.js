// Live parts, times in the reader's zone, copy buttons. Pages work without it.
"use strict";
(() => {
  const doc = document, find = (selector, within = doc) => within.querySelector(selector);
  const all = (selector, within = doc) => [...within.querySelectorAll(selector)];
  const said = doc.getElementById("said");
  // One announcement in five seconds, the newest.
  let saidAt = 0, news = "", timer;
  const say = text => {
    news = text;
    timer ??= setTimeout(() => { said.textContent = news; saidAt = Date.now(); timer = null; }, saidAt + 5000 - Date.now());
  };

  const zoned = new Intl.DateTimeFormat("en", { timeZoneName: "short" });
  const localise = within => {
    if (doc.documentElement.dataset.zone === "utc") return;
    for (const time of all("time[datetime]", within)) {
      const date = new Date(time.dateTime);
      if (isNaN(date) || time.title) continue;
      const zone = zoned.formatToParts(date).find(part => part.type === "timeZoneName");
      time.title = time.textContent;
      time.textContent = `${date.toLocaleDateString("sv")} ${date.toLocaleTimeString("sv").slice(0, 5)} ${zone.value}`;
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

  // Each part as it was sent last.
  const sent = new Map(all("[data-part]").map(part => [part.id, part.outerHTML]));
  const FOCUS = "a,button,input,select,textarea,summary";
  const swap = (old, fresh) => {
    const focus = doc.activeElement, inside = old.contains(focus);
    const place = inside ? all(FOCUS, old).indexOf(focus) : -1;
    for (const details of all("details[id]", old)) {
      const same = find(`#${CSS.escape(details.id)}`, fresh);
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
          const old = find("[data-live]"), fresh = find("[data-live]", page);
          sent.clear();
          for (const part of parts) sent.set(part.id, part.outerHTML);
          if (old && fresh) swap(old, doc.importNode(fresh, true));
        } else for (const part of parts) {
          if (sent.get(part.id) === part.outerHTML) continue;
          sent.set(part.id, part.outerHTML);
          swap(doc.getElementById(part.id), doc.importNode(part, true));
        }
        doc.title = page.title;
        const told = find("[data-said]", page)?.dataset.said;
        if (told && told !== live.dataset.said) say(live.dataset.said = told);
      }
    } catch { /* The next look will tell. */ }
    setTimeout(() => { busy = false; if (again) { again = false; refresh(); } }, 500);
  };

  offer(doc);
  let live = find("[data-live]");
  if (!live) return;
  const topics = live.dataset.live.toLowerCase().split(" ");
  const hear = name => {
    live = find("[data-live]") || live;
    if (name === "*" || topics.some(topic => topic === "*" || topic === name || name.startsWith(topic + "/"))) refresh();
  };
  setInterval(() => hear("*"), navigator.locks ? 60000 : 15000);
  if (!navigator.locks) return;
  const channel = new BroadcastChannel("portolan");
  channel.onmessage = event => hear(event.data);
  // One page holds the stream for all.
  navigator.locks.request("portolan", () => new Promise(() => {
    let wait = 3000;
    const open = () => {
      const stream = new EventSource("/events");
      const tell = name => { channel.postMessage(name); hear(name); };
      stream.onmessage = event => tell(event.data);
      stream.onopen = () => { wait = 3000; tell("*"); };
      stream.onerror = () => { if (stream.readyState === 2) setTimeout(open, wait = Math.min(2 * wait, 60000)); };
    };
    open();
  }));
})();
