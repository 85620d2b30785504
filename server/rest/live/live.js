// The live page for operators: asks for the trees of all nodes every two seconds and draws them.
// Everything that comes from a node is set as text, never as markup.

const API = "/api/v1";
const EVERY_MS = 2000;
const SESSION = "operator";
const GOES_ON = new Set(["running", "starting", "ready"]);

const at = (id) => document.getElementById(id);
const opened = new Map(); // whether what has this key is open, once somebody has said so
let drawn = null;
let timer = 0;

// -- who asks ---------------------------------------------------------------------------------------------------------

const session = () => JSON.parse(sessionStorage.getItem(SESSION) ?? "null");
const keep = (kept) => sessionStorage.setItem(SESSION, JSON.stringify(kept));

function forget(reason = "") {
  sessionStorage.removeItem(SESSION);
  clearTimeout(timer);
  drawn = null;
  at("nodes").replaceChildren();
  at("refused").textContent = reason;
  say("");
  show(false);
}

function show(signedIn) {
  at("sign-in").hidden = signedIn;
  at("controls").hidden = !signedIn;
  at("find").hidden = !signedIn;
  if (!signedIn) tell("");
}

async function call(method, path, body, token) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(API + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  let value = {};
  try {
    value = text ? JSON.parse(text) : {};
  } catch {
    value = { detail: `${answer.status} ${answer.statusText}` };
  }
  return { ok: answer.ok, status: answer.status, value, wait: Number(answer.headers.get("Retry-After")) };
}

async function asOperator(path) {
  let answer = await call("GET", path, undefined, session().access);
  if (answer.status === 401 && session().refresh) {
    const renewed = await call("POST", "/auth/refresh", { refresh_token: session().refresh });
    if (renewed.ok) {
      keep({ access: renewed.value.access_token, refresh: renewed.value.refresh_token });
      answer = await call("GET", path, undefined, session().access);
    }
  }
  return answer;
}

at("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = new FormData(event.target);
  at("refused").textContent = "";
  try {
    if (given.get("token")) {
      keep({ access: given.get("token").trim(), refresh: null });
    } else {
      const device = { name: "live page", platform: "web" };
      const body = { phone: given.get("phone"), password: given.get("password"), device };
      const answer = await call("POST", "/auth/login", body);
      if (!answer.ok) {
        at("refused").textContent = answer.value.detail ?? "that did not work";
        return;
      }
      keep({ access: answer.value.access_token, refresh: answer.value.refresh_token });
    }
  } catch (error) {
    at("refused").textContent = String(error.message ?? error);
    return;
  }
  event.target.reset();
  show(true);
  look();
});

at("sign-out").addEventListener("click", async () => {
  const { access, refresh } = session() ?? {};
  forget();
  if (refresh) await call("POST", "/auth/logout", undefined, access).catch(() => {});
});

// -- asking -----------------------------------------------------------------------------------------------------------

function say(text, bad = false) {
  at("status").textContent = text;
  at("status").classList.toggle("bad", bad);
}

async function look() {
  clearTimeout(timer);
  if (!session()) {
    forget();
    return;
  }
  let wait = EVERY_MS;
  if (!at("paused").checked) {
    try {
      const answer = await asOperator("/admin/tree?all=true");
      if (!session()) return; // signed out meanwhile
      if (answer.status === 401 || answer.status === 403) {
        forget(answer.value.detail ?? "this is for operators only");
        return;
      }
      if (answer.ok) {
        drawn = answer.value;
        draw();
      } else {
        say(answer.value.detail ?? `the node answers ${answer.status}`, true);
        wait = Math.max(wait, (answer.wait || 0) * 1000);
      }
    } catch (error) {
      say(`no answer: ${error.message ?? error}`, true);
    }
  }
  timer = setTimeout(look, wait);
}

// -- where is my message ----------------------------------------------------------------------------------------------

let asked = 0; // an answer to an earlier question is not shown

function tell(text) {
  asked += 1;
  at("way").textContent = text;
  at("way").hidden = !text;
}

at("find").addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = new FormData(event.target);
  const [chat, seq] = ["chat", "seq"].map((name) => encodeURIComponent(given.get(name).trim()));
  tell("asking all nodes");
  const mine = asked;
  let said;
  try {
    const answer = await asOperator(`/admin/chats/${chat}/messages/${seq}/trace`);
    said = answer.ok ? JSON.stringify(answer.value, null, 2) : answer.value.detail ?? `the node answers ${answer.status}`;
  } catch (error) {
    said = `no answer: ${error.message ?? error}`;
  }
  if (mine === asked) tell(said);
});

// -- drawing ----------------------------------------------------------------------------------------------------------

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function ago(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86400) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86400).toFixed(1)} d`;
}

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const ownTrouble = (node) => node.crashes.length > 0 || node.restarts > 0 || node.mailbox > 0 || Boolean(node.last_crash);
const trouble = (node) => ownTrouble(node) || node.children.some(trouble);

function foldable(key, byDefault, head, className) {
  const box = element("details", className);
  box.open = opened.get(key) ?? byDefault;
  box.dataset.key = key;
  box.addEventListener("toggle", () => {
    if (box.isConnected) opened.set(key, box.open);
  });
  const summary = element("summary");
  summary.append(...head);
  box.append(summary);
  return box;
}

function facts(node) {
  const parts = [element("span", "name", node.id)];
  const goesOn = GOES_ON.has(node.state);
  parts.push(element("span", `mark ${goesOn ? "running" : node.state === "restarting" ? "restarting" : "stopped"}`, node.state));
  if (node.restarts) parts.push(element("span", "mark crashed", plural(node.restarts, "restart")));
  if (node.crashes.length) parts.push(element("span", "mark crashed", plural(node.crashes.length, "crash report")));
  if (node.mailbox) parts.push(element("span", "mark waits", `${node.mailbox} waiting`));
  else if (node.mailbox === 0) parts.push(element("span", "fact", "mailbox empty"));
  if (node.uptime_s !== null) parts.push(element("span", "fact", `up ${ago(node.uptime_s)}`));
  if (node.restart !== "root") parts.push(element("span", "fact", node.restart));
  if (node.children.length + node.hidden > 0 && node.type === "supervisor") {
    parts.push(element("span", "fact", `${node.children.length + node.hidden} below`));
  }
  return parts;
}

function crash(report, key) {
  const when = new Date(report.at).toLocaleString();
  const box = foldable(`${key}!${report.child}!${report.at}`, false, [element("span", "", `${when}: ${report.reason}`)], "crash");
  box.append(element("div", "fact", `${report.child}, after ${ago(report.uptime_s)}, ${plural(report.restarts, "restart")}`));
  box.append(element("pre", "", report.traceback));
  return box;
}

function branch(node, key, depth) {
  const only = at("troubled").checked;
  const children = only ? node.children.filter(trouble) : node.children;
  if (!children.length && !node.crashes.length && !node.hidden && !node.last_crash) {
    const leaf = element("div", "leaf");
    leaf.append(...facts(node));
    return leaf;
  }
  const box = foldable(key, depth < 2 || trouble(node), facts(node));
  const below = element("div", "below");
  if (node.last_crash && !node.crashes.length) below.append(element("div", "quiet", `last crash: ${node.last_crash}`));
  below.append(...node.crashes.map((report) => crash(report, key)));
  below.append(...children.map((child) => branch(child, `${key}/${child.id}`, depth + 1)));
  if (node.hidden) below.append(element("div", "quiet", `and ${node.hidden} more`));
  box.append(below);
  return box;
}

function drawNode({ node, tree }) {
  const section = element("section");
  const head = element("h2", "", node);
  section.append(head);
  if (tree === null) {
    head.append(element("small", "", "does not answer"));
    return section;
  }
  const body = element("div", "tree");
  body.append(branch(tree, node, 0));
  section.append(body);
  return section;
}

function draw() {
  if (!drawn) return;
  const silent = drawn.nodes.filter((each) => each.tree === null).length;
  const known = drawn.complete ? plural(drawn.nodes.length, "node") : "this node alone: Redis does not answer";
  const pause = at("paused").checked ? ", paused" : "";
  say(`${known}${silent ? `, ${silent} silent` : ""}, ${new Date().toLocaleTimeString()}${pause}`, silent > 0 || !drawn.complete);
  const top = window.scrollY;
  at("nodes").replaceChildren(...drawn.nodes.map(drawNode));
  window.scrollTo(0, top);
}

function setAll(open) {
  for (const box of document.querySelectorAll("#nodes details:not(.crash)")) {
    opened.set(box.dataset.key, open);
    box.open = open;
  }
}

at("open-all").addEventListener("click", () => setAll(true));
at("close-all").addEventListener("click", () => setAll(false));
at("troubled").addEventListener("change", draw);
at("paused").addEventListener("change", draw);

show(Boolean(session()));
look();
