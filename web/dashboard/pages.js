// The other pages: overview, customers, applications, keys, platforms, operators, system, account.
// SPDX-License-Identifier: Apache-2.0
import { get, may, post, remove, session } from "./api.js";
import { reconnectLink, stateCell, tokenTable } from "./connections.js";
import { h, icon, put, say } from "./dom.js";
import { STATES, badge, initials, number, short, time } from "./format.js";
import { card, confirm, copyable, details, dialog, empty, field, form, heading, pager, showSecret, table, toolbar } from "./ui.js";

// ---- overview
function stateTiles(counts) {
  return h("ul", { class: "stats" }, Object.entries(STATES).filter(([key]) => key !== "erased" || counts.erased > 0).map(([key, [text, kind]]) =>
    h("li", {}, h("a", { class: `stat ${counts[key] ? kind : "plain"}`, href: `#/connections?state=${key}` }, h("span", { class: "figure" }, number(counts[key])), h("span", {}, text)))));
}

function attentionItem(row, act) {
  const needs = row.status === "requires_reauthorization";
  return h("li", { class: `attention ${needs ? "bad" : "warn"}` }, h("span", { class: "mark" }, icon("warning")),
    h("div", { class: "grow" }, h("a", { class: "strong", href: `#/connections/${row.key}` }, row.name), h("p", { class: "small soft" }, row.integration_name, " · ", row.email, " · ", time(row.status_since)), stateCell(row)),
    needs && may("POST /connections/{id}/link") ? h("button", { type: "button", class: "secondary", on: { click: () => act(() => reconnectLink(row)) } }, "Link to reconnect") : h("a", { class: "secondary", href: `#/connections/${row.key}` }, "Look at it"));
}

export async function overview({ parts, act }) {
  put(parts.head, heading("Overview"));
  const data = (await get("/overview")).data;
  const total = Object.values(data.connections).reduce((sum, one) => sum + one, 0);
  const waiting = data.connections.requires_reauthorization + data.connections.unreachable;
  const begin = !data.applications ? empty("Nothing is registered yet", "Begin with an application: the product that will call the API. Its customers then connect their systems.", may("POST /applications") ? h("a", { class: "primary", href: "#/applications" }, "Register an application") : null)
    : !total ? empty("No customer has connected a system yet", "Send a customer a connect link, or let your application send them through OAuth.", h("a", { class: "primary", href: "#/applications" }, "To the applications")) : null;
  return [
    data.audit.state !== "OK" ? h("div", { class: "advice bad" }, h("p", {}, "The audit log cannot be written, so calls are refused. Check disk space and its folder.")) : null,
    begin ? card("", begin) : card("Connections", stateTiles(data.connections)),
    begin ? null : card("Needs attention", data.attention.length
      ? [h("ul", { class: "plainlist" }, data.attention.map((row) => attentionItem(row, act))), waiting > data.attention.length ? h("p", {}, h("a", { href: "#/connections?state=requires_reauthorization" }, `All ${number(waiting)}`)) : null]
      : h("p", { class: "calm" }, icon("check"), "Every connected system answers.")),
    h("div", { class: "columns" },
      card("Who is here", details([["Applications", h("a", { href: "#/applications" }, number(data.applications))], ["Customers", h("a", { href: "#/customers" }, number(data.customers))], ["Operators", may("GET /operators") ? h("a", { href: "#/operators" }, number(data.operators)) : number(data.operators)], ["Sessions", number(data.sessions)]])),
      card("Audit log", details([["Records", number(data.audit.last_seq)], ["Under a signature", number(data.audit.checkpoint_seq)], ["State", badge(data.audit.state === "OK" ? "writing" : data.audit.state, data.audit.state === "OK" ? "good" : "bad")]]),
        may("GET /audit") ? h("p", {}, h("a", { href: "#/audit" }, "Search it")) : null)),
  ];
}

// ---- customers
export async function customers({ query, go, parts }) {
  put(parts.head, heading("Customers"), toolbar(query, go, { placeholder: "Name, e-mail address or id" }));
  const answer = await get("/customers", query);
  if (!answer.data.length) return query.q ? empty("No customer fits", "Search for less.") : empty("No customer yet", "A customer appears with the first system that is connected.");
  return [table([
    { title: "Customer", sort: "name", class: "wide", cell: (row) => (row.erased_at ? h("span", {}, h("span", { class: "soft" }, "erased"), h("code", { class: "small soft block" }, row.id)) : h("span", { class: "named" }, h("span", { class: "initials", "aria-hidden": "true" }, initials(row.name)), h("span", {}, h("span", { class: "strong" }, row.name), h("span", { class: "small soft block" }, row.email)))) },
    { title: "Connections", cell: (row) => number(row.connections) },
    { title: "Since", sort: "created", cell: (row) => time(row.created_at) },
    { title: "Application", cell: (row) => short(row.application) },
  ], answer.data, { caption: "Customers", sort: query.sort, onSort: (sort) => go({ sort, page: "" }), href: (row) => `#/customers/${row.id}` }), pager(answer.meta, (page) => go({ page: String(page) }))];
}

export async function customer({ key, again, act, parts }) {
  const row = (await get(`/customers/${key}`)).data;
  const erase = async () => {
    if (!(await confirm("Erase this customer?", `The data keys of ${row.name} are destroyed: nothing that was stored for them opens any more, here or in backups made later. Their ${number(row.connections)} connections end. This cannot be taken back.`, { action: "Erase", word: "erase" }))) return;
    await post(`/customers/${key}/erase`);
    say("The customer is erased.");
    again();
  };
  put(parts.head, h("p", { class: "crumbs" }, h("a", { href: "#/customers" }, "Customers")), heading(row.name ?? "Erased customer", row.erased_at ? badge("Erased") : null));
  return [
    card("About", details([["Id", copyable(row.id)], ["E-mail address", row.email ?? h("span", { class: "soft" }, "erased")], ["Application", h("code", {}, row.application)], ["Since", time(row.created_at, "never", true)], ["Erased", time(row.erased_at, "no")],
      ["Connections", h("a", { href: `#/connections?customer=${row.id}` }, number(row.connections))]]),
    !row.erased_at && may("POST /customers/{id}/erase") ? h("div", { class: "actions" }, h("button", { type: "button", class: "danger outline", on: { click: () => act(erase) } }, "Erase")) : null),
    card("Data keys", row.keys.length ? table([
      { title: "Version", cell: (one) => number(one.version) },
      { title: "State", cell: (one) => badge(one.state, one.state === "active" ? "good" : "plain") },
      { title: "Key id", cell: (one) => h("code", {}, one.key_id), class: "wide" },
      { title: "Made", cell: (one) => time(one.created_at) },
    ], row.keys, { caption: "Data keys" }) : empty("No key", "It was destroyed.")),
    row.certificate ? card("Certificate of erasure", h("p", { class: "soft" }, "Keep it: whoever has the public key of the audit log can check it with ", h("code", {}, "fishplate customer verify-certificate"), "."), h("pre", {}, JSON.stringify(row.certificate, null, 1))) : null,
  ];
}

// ---- applications
async function createApplication(again) {
  const made = await dialog("Register an application", (close) => {
    const name = field({ name: "name", label: "Name", help: "Customers see it on the connect pages." });
    const environment = field({ name: "environment", label: "Environment", options: [["live", "Live"], ["test", "Test"]], value: "live" });
    const redirects = field({ name: "redirect_uris", label: "Redirect URIs", required: false, help: "For OAuth, with blanks between them. Can be added later." });
    return form({ fields: [name, environment, redirects], submit: "Register", cancel: () => close(null), send: async (values) => close((await post("/applications", values)).data) });
  });
  if (!made) return;
  await showSecret("The application is registered", [["client_id", made.client_id], ["client_secret", made.client_secret]], "The secret is shown this once. Keep it where your application reads its secrets.");
  again();
}

export async function applications({ parts, again, act }) {
  const create = may("POST /applications") ? h("button", { type: "button", class: "primary", on: { click: () => act(() => createApplication(again)) } }, "Register") : null;
  put(parts.head, heading("Applications", create));
  const rows = (await get("/applications")).data;
  if (!rows.length) return empty("No application yet", "An application is the product that calls the API. It gets a client_id and a secret, and its customers connect their systems to it.", create?.cloneNode(true) && may("POST /applications") ? h("button", { type: "button", class: "primary", on: { click: () => act(() => createApplication(again)) } }, "Register an application") : null);
  return table([
    { title: "Application", class: "wide", cell: (row) => h("span", {}, h("span", { class: "strong" }, row.name), h("code", { class: "small soft block" }, row.id)) },
    { title: "Environment", cell: (row) => badge(row.environment, row.environment === "live" ? "good" : "plain") },
    { title: "Connections", cell: (row) => number(row.connections) },
    { title: "Redirect URIs", cell: (row) => row.redirect_uris || h("span", { class: "soft" }, "none") },
    { title: "Since", cell: (row) => time(row.created_at) },
  ], rows, { caption: "Applications", href: (row) => `#/applications/${row.id}` });
}

export async function application({ key, again, act, parts }) {
  const row = (await get("/applications")).data.find((one) => one.id === key);
  if (!row) return empty("No application has this id", "It was deleted, or the address is not whole.", h("a", { class: "secondary", href: "#/applications" }, "All applications"));
  const tokens = may("GET /applications/{id}/tokens") ? (await get(`/applications/${key}/tokens`)).data : null;
  const change = async () => {
    const done = await dialog("Redirect URIs", (close) => form({ fields: [field({ name: "redirect_uris", label: "Redirect URIs", value: row.redirect_uris, required: false, help: "With blanks between them. Exactly as the application sends them; none ends the browser's way." })],
      submit: "Save", cancel: () => close(null), send: async (values) => { await post(`/applications/${key}`, values); close(true); } }));
    if (done) again();
  };
  put(parts.head, h("p", { class: "crumbs" }, h("a", { href: "#/applications" }, "Applications")), heading(row.name, badge(row.environment, row.environment === "live" ? "good" : "plain")));
  return [card("About", details([["client_id", copyable(row.id)], ["Connections", h("a", { href: `#/connections?application=${row.id}` }, number(row.connections))], ["Private networks", row.networks || h("span", { class: "soft" }, "those of the configuration")],
    ["Redirect URIs", row.redirect_uris || h("span", { class: "soft" }, "none")], ["PKCE", row.pkce], ["Since", time(row.created_at, "never", true)]]),
  may("POST /applications/{id}") ? h("div", { class: "actions" }, h("button", { type: "button", class: "secondary", on: { click: () => act(change) } }, "Change redirect URIs")) : null),
  tokens ? card("Secrets and tokens", tokens.length ? tokenTable(tokens, again, act) : empty("None", "Every secret was revoked.")) : null];
}

// ---- keys
export async function keys({ query, go, parts }) {
  put(parts.head, heading("Keys"));
  const answer = await get("/keys", query);
  return [h("p", { class: "soft" }, "Each customer has a data key of their own, wrapped by the master key. No key is ever shown."), table([
    { title: "Of", class: "wide", cell: (row) => (row.customer === "system" ? "the installation itself" : h("a", { href: `#/customers/${row.customer}` }, short(row.customer))) },
    { title: "State", cell: (row) => h("span", {}, badge(row.state, row.state === "active" ? "good" : "plain"), row.due ? badge(`due: ${row.due}`, "warn") : null) },
    { title: "Version", cell: (row) => number(row.version) },
    { title: "Age", cell: (row) => time(row.created_at) },
    { title: "Due", cell: (row) => time(row.due_at, "") },
    { title: "Used up", cell: (row) => `${(100 * row.encryptions / row.encryptions_max).toFixed(1)} %` },
    { title: "Key id", cell: (row) => h("code", { title: row.key_id }, row.key_id.slice(0, 12), "…") },
  ], answer.data, { caption: "Data keys" }), answer.next ? h("nav", { class: "pager", "aria-label": "Pages" }, h("button", { type: "button", class: "secondary compact", on: { click: () => go({ after: answer.next }) } }, "More")) : null];
}

// ---- platforms
export async function platforms({ parts }) {
  put(parts.head, heading("Platforms"));
  const rows = (await get("/platforms")).data;
  const proof = { real: "good", protocol: "plain", documented: "warn" };
  return table([
    { title: "Platform", class: "wide", cell: (row) => h("span", {}, h("span", { class: "strong" }, row.name), h("code", { class: "small soft block" }, row.key)) },
    { title: "Kind", cell: (row) => (row.categories ?? []).join(", ").toUpperCase() },
    { title: "Proven by", cell: (row) => badge(row.proof ?? row.proven ?? "?", proof[row.proof ?? row.proven] ?? "plain") },
    { title: "Asks for", cell: (row) => (row.credentials ?? []).map((one) => one.label?.en ?? one.label ?? one.name).join(", ") },
    { title: "", cell: (row) => h("a", { href: `#/connections?platform=${encodeURIComponent(row.key)}` }, "Connections") },
  ], rows, { caption: "Platforms" });
}

// ---- operators
const ROLES = [["owner", "Owner: everything, and who else comes in"], ["administrator", "Administrator: everything but operators"], ["support", "Support: looks at customers' connections, saying why"], ["auditor", "Auditor: looks at everything, changes nothing"]];

async function invite(again, preset = {}) {
  const made = await dialog(preset.email ? "A new link" : "Invite a person", (close) => {
    const email = field({ name: "email", label: "E-mail address", type: "email", value: preset.email ?? "", help: preset.email ? "They choose a new password; their second factor ends." : "The person signs in with it." });
    if (preset.email) email.input.readOnly = true;
    const role = field({ name: "role", label: "Role", options: ROLES, value: preset.role ?? "support" });
    return form({ fields: [email, role], submit: "Make the link", cancel: () => close(null), send: async (values) => close((await post("/operators", values)).data) });
  });
  if (!made) return;
  await showSecret("A one-time link", [["Link", made.url]], `Give it to ${made.email} alone: whoever opens it first uses it. It works once, for a day.`);
  again();
}

export async function operators({ parts, again, act }) {
  const canInvite = may("POST /operators");
  put(parts.head, heading("Operators", canInvite ? h("button", { type: "button", class: "primary", on: { click: () => act(() => invite(again)) } }, "Invite") : null));
  const rows = (await get("/operators")).data;
  const disable = async (row) => {
    if (!(await confirm("Disable this operator?", `${row.name ?? row.email ?? row.id} is signed out everywhere at once and cannot sign in any more.`, { action: "Disable" }))) return;
    await post(`/operators/${row.id}/disable`);
    again();
  };
  const kinds = { active: "good", invited: "warn" };
  return table([
    { title: "Operator", class: "wide", cell: (row) => h("span", { class: "named" }, h("span", { class: "initials", "aria-hidden": "true" }, initials(row.name ?? row.email)), h("span", {}, h("span", { class: "strong" }, row.name ?? "not come yet"), h("span", { class: "small soft block" }, row.email ?? row.id))) },
    { title: "Role", cell: (row) => row.role },
    { title: "State", cell: (row) => badge(row.state, kinds[row.state] ?? "plain") },
    { title: "Second factor", cell: (row) => (row.second_factor ? badge("on", "good") : h("span", { class: "soft" }, "off")) },
    { title: "Signed in", cell: (row) => time(row.signed_in_at) },
    { title: "", cell: (row) => (canInvite && row.id !== session.data.id ? h("span", { class: "row-actions" },
      row.email ? h("button", { type: "button", class: "secondary compact", on: { click: () => act(() => invite(again, row)) } }, "New link") : null,
      row.state !== "disabled" ? h("button", { type: "button", class: "secondary compact", on: { click: () => act(() => disable(row)) } }, "Disable") : null) : "") },
  ], rows, { caption: "Operators" });
}

// ---- system
const PROTECTIONS = { no_core_dumps: "no core dumps", not_dumpable: "memory not readable", dies_with_supervisor: "ends with the supervisor", own_user: "user of its own", own_root: "root folder of its own", no_capabilities: "no capabilities", no_new_privileges: "no new privileges", landlock_network: "Landlock for TCP", seccomp: "seccomp" };

// Only where started as root, and only where the room needs a folder.
const MAY_LACK = ["own_root"];

export async function system({ parts }) {
  put(parts.head, heading("System"));
  const data = (await get("/system")).data;
  const room = (one) => {
    const protections = one.protections ?? {};
    return h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", {}, one.name), badge(one.state, one.state === "ready" ? "good" : "warn")),
      h("p", { class: "small soft" }, `process ${one.pid}, started ${number(one.starts)} ${one.starts === 1 ? "time" : "times"}`),
      h("ul", { class: "checks" }, Object.entries(PROTECTIONS).filter(([key]) => key in protections && (protections[key] || !MAY_LACK.includes(key))).map(([key, text]) => h("li", { class: protections[key] ? "yes" : "no" }, icon(protections[key] ? "check" : "close"), text, h("span", { class: "visually-hidden" }, protections[key] ? ": in force" : ": not in force"))),
        protections.landlock_abi !== undefined ? h("li", { class: protections.landlock_abi ? "yes" : "no" }, icon(protections.landlock_abi ? "check" : "close"), protections.landlock_abi ? `Landlock ABI ${protections.landlock_abi}` : "Landlock is not available") : null));
  };
  return [h("div", { class: "columns" },
    card("Fishplate", details([["Version", data.version], ["Master key", `source: ${data.key_source}`], ["Calls under way", number(Math.max(0, data.calls_in_flight - 1))], ["Data keys in memory", number(data.keys.cached)]])),
    card("Store and audit log", details([["Store", h("span", {}, badge(data.store.state, data.store.state === "OK" ? "good" : "bad"), ` ${data.store.backend}`)], ["Writes", `${number(data.store.batches)} in ${number(data.store.commits)} commits`], ["Audit log", badge(data.audit.state, data.audit.state === "OK" ? "good" : "bad")], ["Newest record", number(data.audit.last_seq)], ["Signed up to", number(data.audit.checkpoint_seq)]]))),
  h("h2", {}, "Rooms"), h("p", { class: "soft" }, "Each is a process of its own. What is in force was verified after it was applied."), h("div", { class: "rooms" }, data.rooms.map(room))];
}

// ---- account
export async function account({ parts, again, act }) {
  const me = session.data;
  put(parts.head, heading("Your account"));
  const begin = async () => {
    const { secret } = (await post("/session/totp")).data;
    const done = await dialog("Second factor", (close) => {
      const code = field({ name: "code", label: "Code that the app shows", autocomplete: "one-time-code" });
      const address = `otpauth://totp/Fishplate:${encodeURIComponent(me.email)}?secret=${secret}&issuer=Fishplate`;
      return h("div", {}, h("p", {}, "Add an account in your authenticator app with this key, then type the code that it shows."), h("div", { class: "once" }, h("code", {}, secret.replace(/(.{4})/g, "$1 ").trim())), h("p", { class: "small" }, h("a", { href: address }, "Open in an app on this device")),
        form({ fields: [code], submit: "Switch on", cancel: () => close(null), send: async (values) => { session.data = (await post("/session/totp/confirm", values)).data; close(true); } }));
    });
    if (done) say("The second factor is on.");
    again();
  };
  const end = async () => {
    if (!(await confirm("Switch the second factor off?", "Your password alone then opens the dashboard.", { action: "Switch off" }))) return;
    session.data = (await remove("/session/totp")).data;
    again();
  };
  const rows = (await get("/sessions")).data;
  const endOne = async (row) => {
    await post(`/sessions/${row.id}/end`);
    say("The session is ended.");
    again();
  };
  const sessions = table([
    { title: "From", class: "wide", cell: (row) => h("span", {}, row.address, " ", row.current ? badge("this one", "good") : null) },
    { title: "Since", cell: (row) => time(row.created_at) },
    { title: "Last used", cell: (row) => time(row.last_used_at) },
    { title: "Ends", cell: (row) => time(row.expires_at) },
    { title: "", cell: (row) => (row.current ? "" : h("span", { class: "row-actions" }, h("button", { type: "button", class: "secondary compact", on: { click: () => act(() => endOne(row)) } }, "End"))) },
  ], rows, { caption: "Your sessions" });
  return [card("You", details([["Name", me.name], ["E-mail address", me.email], ["Role", me.role], ["Session ends", time(me.expires_at, "never", true)], ["Without use", `after ${Math.round(me.idle_seconds / 60)} minutes`]])),
    card("Second factor", me.totp ? [h("p", {}, badge("on", "good"), " A code of your authenticator app is asked for with the password."), h("div", { class: "actions" }, h("button", { type: "button", class: "secondary", on: { click: () => act(end) } }, "Switch off"))]
      : [h("p", { class: "soft" }, "A code of an authenticator app, besides the password: whoever learns the password still cannot come in."), h("div", { class: "actions" }, h("button", { type: "button", class: "primary", on: { click: () => act(begin) } }, "Set up"))]),
    card("Your sessions", sessions),
    session.reason ? card("Your reason", h("p", {}, "It stands in the audit log with everything you look at: “", session.reason, "”."), h("div", { class: "actions" }, h("button", { type: "button", class: "secondary", on: { click: () => { session.reason = ""; again(); } } }, "Give another one"))) : null];
}
