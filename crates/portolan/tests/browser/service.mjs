// The service that the suites look at: its API, services of our own that are killed and started again, and people who are signed in.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { API_VERSION } from './suite.mjs';

const PASSWORD = 'correct horse battery';

/// Calls the API; gives what is answered, and throws where that is no success.
export async function call(service, method, path, body, token = service.token) {
  const url = `${service.url}${path}${path.includes('?') ? '&' : '?'}${path.startsWith('/api') ? API_VERSION : ''}`;
  const headers = { authorization: `Bearer ${token}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  // The emulator's journal is a document a line.
  const isOne = answer.headers.get('content-type')?.startsWith('application/json') && !path.endsWith('/journal');
  return text && isOne ? JSON.parse(text) : text;
}

/// The service that is running: `portolan emulator exec --demo --frozen --reviews by-hand -- node <suite>` tells of one.
export function running() {
  const { PORTOLAN_SERVER: url, PORTOLAN_TOKEN: token, PORTOLAN_REVIEWER_TOKEN: reviewer } = process.env;
  if (!url || !token) {
    console.error('Run it so: portolan emulator exec --demo --frozen --reviews by-hand -- node', process.argv[1]);
    process.exit(2);
  }
  return { url, token, reviewer: reviewer ?? token };
}

/// Starts `portolan serve` on a directory, and waits until it is ready.
export async function serve(data, more = [], listen = '127.0.0.1:0', publicUrl = undefined) {
  const program = process.env.PAGES_PROGRAM ?? new URL('../../../../target/debug/portolan', import.meta.url).pathname;
  const named = publicUrl ? ['--public-url', publicUrl] : [];
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PORTOLAN_')));
  const child = spawn(program, ['serve', '--listen', listen, ...named, '--log', 'json', '--data', data, ...more], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  process.on('exit', () => child.kill('SIGKILL'));
  const said = [];
  let secret;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.trim().startsWith('pset_')) secret = line.trim();
  });
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      let address;
      try {
        address = JSON.parse(line).address;
      } catch {
        // Not every line is an entry.
      }
      if (address) resolve(`http://${address}`);
    });
    child.on('exit', () => reject(new Error(`The service ended before it was ready:\n${said.join('\n')}`)));
  });
  return {
    url,
    /// What it has logged.
    said,
    setupSecret: () => secret,
    kill: () =>
      new Promise((resolve) => {
        child.on('exit', resolve);
        child.kill('SIGKILL');
      }),
  };
}

/// The first operator of a fresh service, who reviews too, and the publisher contoso; the service gets the operator's token.
export async function setUp(service) {
  for (let tries = 0; !service.setupSecret(); tries += 1) {
    if (tries > 100) throw new Error('The service printed no setup secret.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const operator = { kind: 'servicePrincipal', name: 'admin', roles: ['operator', 'reviewer'] };
  const added = await call(service, 'POST', '/api/staff', operator, service.setupSecret());
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: added.member.applicationId,
    client_secret: added.secret.value,
    resource: 'https://cloudpartner.azure.com',
  });
  const answer = await fetch(`${service.url}/common/oauth2/token`, { method: 'POST', body: form });
  service.reviewer = service.token = (await answer.json()).access_token;
  await call(service, 'POST', '/api/publishers', { id: 'contoso', displayText: 'Contoso, Ltd.' });
  const member = { kind: 'servicePrincipal', name: 'ci', roles: ['owner'] };
  const ci = await call(service, 'POST', '/api/publishers/contoso/members', member);
  const { member: owner, secret } = ci;
  form.set('client_id', owner.applicationId);
  form.set('client_secret', secret.value);
  const token = await fetch(`${service.url}/common/oauth2/token`, { method: 'POST', body: form });
  service.owner = (await token.json()).access_token;
}

/// Who opens pages. Nobody is signed in as `nobody`.
const PEOPLE = {
  owner: { name: 'Jane Doe', mail: 'jane@contoso.example', at: '/api/publishers/contoso/members', roles: ['owner'] },
  reviewer: { name: 'Rita Review', mail: 'rita@marketplace.example', at: '/api/staff', roles: ['reviewer'] },
  operator: { name: 'Olga Operator', mail: 'olga@marketplace.example', at: '/api/staff', roles: ['operator'] },
};

/// Invites somebody; gives the code of the invitation.
export async function invite(service, { name, mail, at, roles }) {
  const added = await call(service, 'POST', at, { kind: 'user', name, mail, roles });
  return added.invitation.code;
}

/// Makes the people, signs them in through the pages, and gives what their browsers keep.
export async function people(service, browser, wanted = Object.keys(PEOPLE)) {
  const kept = { nobody: undefined };
  await Promise.all(
    wanted.map(async (who) => {
      const secret = await invite(service, PEOPLE[who]);
      const form = new URLSearchParams({ secret, password: PASSWORD, again: PASSWORD });
      const chosen = await fetch(`${service.url}/invitation`, { method: 'POST', body: form });
      if (!chosen.ok) throw new Error(`${who} could not choose a password: ${chosen.status} ${await chosen.text()}`);
      kept[who] = await signIn(service, browser, who);
    }),
  );
  return kept;
}

/// Signs somebody in who has a password.
export async function signIn(service, browser, who) {
  const context = await browser.newContext({ locale: 'en' });
  const page = await context.newPage();
  await page.goto(`${service.url}/sign-in?at=built-in&then=/account`);
  await page.fill('input[name=mail]', PEOPLE[who].mail);
  await page.fill('input[name=password]', PASSWORD);
  await Promise.all([page.waitForURL(`${service.url}/account`), page.click('main form button')]);
  const state = await context.storageState();
  await context.close();
  return state;
}
