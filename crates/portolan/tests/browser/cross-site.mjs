// Forms of other sites, sent with the session's cookies to every address that takes one: each is refused, and nothing is changed.

import { createServer } from 'node:http';
import { contextOf } from './looking.mjs';
import { FORMS, rows } from './routes.mjs';
import { call, people, running, signIn } from './service.mjs';
import { routesOf, run } from './suite.mjs';

/// A site of somebody else on this machine, which shows whatever page it is asked to show; gives its port.
async function elsewhere() {
  const pages = new Map();
  const server = createServer((request, answer) => {
    answer.setHeader('content-type', 'text/html; charset=utf-8');
    answer.setHeader('referrer-policy', 'unsafe-url');
    answer.end(pages.get(request.url) ?? '');
  });
  await new Promise((resolve) => server.listen(0, resolve));
  return { port: server.address().port, pages, stop: () => server.close() };
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

/// A page that sends a form as soon as it is opened.
function trap(action, fields, { enctype = 'application/x-www-form-urlencoded', method = 'post' } = {}) {
  const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`);
  const form = `<form method="${method}" enctype="${enctype}" action="${escaped(action)}">${inputs.join('')}</form>`;
  return `<!doctype html><title>A prize</title>${form}<script>document.forms[0].submit()</script>`;
}

/// What would be different if anything had been done: everything that is written down, and the sessions.
async function standing(service, session) {
  const journal = await call(service, 'GET', '/emulator/journal');
  const account = await session.request.get(`${service.url}/account`, { maxRedirects: 0 });
  const sessions = account.status() === 200 ? (await account.text()).split('/account/sessions/end').length : `signed out`;
  return { journal: journal.trim().split('\n').length, sessions };
}

run('cross-site', async (browser, faults) => {
  const service = running();
  const world = { service, people: await people(service, browser) };
  const site = await elsewhere();
  const ours = new URL(service.url);
  // Another site, and the same one at another port: browsers send cookies of `SameSite=Lax` from there.
  const origins = [`http://localhost:${site.port}`, `http://127.0.0.1:${site.port}`];
  const forms = rows(FORMS, (await routesOf(service)).forms, faults);
  let sent = 0;
  for (const form of forms) {
    const context = await contextOf(browser, world, { as: form.as });
    const open = typeof form.open === 'function' ? await form.open(world) : form.open;
    const fields = typeof form.fields === 'function' ? await form.fields(world) : form.fields;
    const account = await (await context.request.get(`${service.url}/account`)).text();
    // As if the other site had found it out.
    const token = account.match(/name="form_token" value="([^"]*)"/)?.[1] ?? '';
    const action = new URL(open, service.url).toString();
    const before = await standing(service, context);
    for (const origin of origins) {
      for (const way of [{}, { enctype: 'text/plain' }, { enctype: 'multipart/form-data' }]) {
        site.pages.set('/trap', trap(action, { ...fields, form_token: token }, way));
        const where = `${form.path} from ${origin.replace(/:\d+$/, '')} as ${way.enctype ?? 'a form'}`;
        const page = await context.newPage();
        const answered = page.waitForResponse(
          (answer) => new URL(answer.url()).host === ours.host && answer.request().method() === 'POST',
          { timeout: 10_000 },
        );
        await page.goto(`${origin}/trap`, { waitUntil: 'commit' });
        const answer = await answered;
        sent += 1;
        const headers = await answer.request().allHeaders();
        if (way.enctype === undefined && origin.includes('127.0.0.1') && !headers.cookie) {
          faults.add(where, 'the browser sent no cookie, so nothing was tried');
        }
        const [status, least] = [answer.status(), 400];
        // From another host browsers send no cookie: who is not signed in is led to the sign-in page, and nothing is done.
        const led = status === 303 && (answer.headers().location ?? '').startsWith('/sign-in');
        if (led && !origin.includes('127.0.0.1')) {
          await page.close();
          continue;
        }
        if (status < least || status >= 500) faults.add(where, `it is answered ${status}`);
        if (!form.anybody && status !== 403) faults.add(where, `it is answered ${status}, and not for whence it came`);
        await page.close();
      }
    }
    faults.same(form.path, await standing(service, context), before, 'what stands there afterwards');
    await context.close();
  }
  // What is sent from our own pages is done: the forms above fail for where they came from.
  const context = await contextOf(browser, { people: { owner: await signIn(service, browser, 'owner') } }, { as: 'owner' });
  const page = await context.newPage();
  await page.goto(`${service.url}/account`);
  await Promise.all([page.waitForURL(`${service.url}/sign-out`), page.click('form[action="/sign-out"] button')]);
  faults.same('/sign-out', (await standing(service, context)).sessions, 'signed out', 'a form of our own');
  site.stop();
  return `${forms.length} addresses, ${sent} forms`;
});
