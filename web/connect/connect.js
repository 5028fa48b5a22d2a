// The connect page: choose a platform, fill in its form, seal it for the vault, watch it being
// tried, and go back to the application. Texts come from messages.json; whatever comes from
// elsewhere is set as text, never as HTML. SPDX-License-Identifier: Apache-2.0
import { fromBase64url, seal } from "/connect/files/hpke.js";

const link = location.pathname.split("/").pop();
const state = { language: "en", page: null, platforms: [], platform: null, values: {}, person: {} };
let messages = {}, fieldTexts = {}, show = () => {};

// ---- texts
function t(name, values = {}) {
  const text = messages[state.language][name] ?? name;
  return text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}
// A text of a connector's definition, which is English, in the page's language where it is known.
const ofConnector = (text) => fieldTexts[state.language]?.[text] ?? text ?? "";
const names = () => ({
  application: state.page?.application ?? "",
  platform: state.platform?.name ?? "",
  name: state.page?.reconnect?.name ?? "",
  host: hostOf(state.values.url) || state.platform?.name || "",
});
function hostOf(url) {
  try {
    return new URL(url).host;
  } catch {
    return "";
  }
}

// ---- elements
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}
const view = document.getElementById("view");
const say = (text) => (document.getElementById("said").textContent = text);
function put(title, ...children) {
  const heading = make("h1", { tabindex: "-1" }, title);
  view.replaceChildren(make("div", { class: "card" }, heading, ...children));
  document.title = title;
  return heading;
}

// ---- the server
async function ask(what, body) {
  let answer;
  try {
    answer = await fetch(`/connect/api/${what}`, {
      method: "POST", mode: "cors", credentials: "omit", redirect: "error",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ link, ...body }),
    });
  } catch {
    return { error: { code: "OFFLINE" } };
  }
  const json = await answer.json().catch(() => ({ code: "OTHER" }));
  return answer.ok ? json : { error: json };
}
async function askPlatforms() {
  const all = [];
  for (let page = 1, last = 1; page <= last; page++) {
    const answer = await ask("platforms", { page });
    if (answer.error) return answer;
    all.push(...answer.data);
    last = answer.meta.last_page;
  }
  return { data: all };
}

// ---- step 1: which system
function chooseMatches() {
  const words = (state.search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return state.platforms.filter((p) => {
    const text = `${p.name} ${p.key} ${p.description} ${ofConnector(p.description)}`.toLowerCase();
    return (!state.category || p.categories.includes(state.category)) && words.every((word) => text.includes(word));
  });
}
const initials = (name) => name.split(/[\s/-]+/).map((word) => word[0]).join("").slice(0, 2).toUpperCase();
function tile(platform) {
  const choose = () => { state.platform = platform; state.values = {}; show = form; show().focus(); };
  return make("li", {}, make("button", { type: "button", class: "tile", "data-platform": platform.key, on: { click: choose } },
    make("span", { class: "initials", "aria-hidden": "true" }, initials(platform.name)),
    make("span", { class: "name" }, platform.name),
    make("span", { class: "about" }, ofConnector(platform.description))));
}
function choose() {
  const list = make("ul", { class: "tiles", "aria-label": t("choose.results") });
  const none = make("p", { class: "none", hidden: true }, t(state.platforms.length ? "choose.none" : "choose.empty"));
  const fill = (announce) => {
    const found = chooseMatches();
    list.replaceChildren(...found.map(tile));
    list.hidden = found.length === 0;
    none.hidden = found.length !== 0;
    if (announce) say(found.length ? t("choose.found", { count: found.length }) : none.textContent);
  };
  const kinds = ["", ...["erp", "eam", "wms"].filter((kind) => state.platforms.some((p) => p.categories.includes(kind)))];
  const chips = make("div", { class: "chips", role: "group", "aria-label": t("choose.categories") }, ...kinds.map((kind) =>
    make("button", { type: "button", "aria-pressed": String((state.category ?? "") === kind), on: { click: (event) => {
      state.category = kind;
      for (const chip of chips.children) chip.setAttribute("aria-pressed", String(chip === event.currentTarget));
      fill(true);
    } } }, t(`category.${kind || "all"}`))));
  const input = make("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false", on: { input: () => { state.search = input.value; fill(true); } } });
  input.value = state.search ?? "";
  const heading = put(t("choose.title"), make("p", { class: "lead" }, t("choose.lead", names())),
    make("div", { class: "search" }, make("label", { for: "search" }, t("choose.search")), input), chips, list, none);
  fill(false);
  return heading;
}

// ---- step 2: the form
function fieldRules(field) {
  return {
    wrong: (value) => {
      if (value === "") return field.required ? t("wrong.required") : "";
      if (field.kind === "url" && !/^https?:\/\/[^\s/?#@]+/i.test(value)) return t("wrong.url");
      if (field.kind === "email" && !/^[^\s@]+@[^\s@]+$/.test(value)) return t("wrong.email");
      return new TextEncoder().encode(value).length > field.max ? t("wrong.long") : "";
    },
  };
}
function secretToggle(input, label) {
  const button = make("button", { type: "button", class: "secondary", "aria-label": t("form.show_label", { label }), on: { click: () => {
    const hidden = input.type === "password";
    input.type = hidden ? "text" : "password";
    button.textContent = t(hidden ? "form.hide" : "form.show");
    button.setAttribute("aria-label", t(hidden ? "form.hide_label" : "form.show_label", { label }));
  } } }, t("form.show"));
  return button;
}
// One field: label, input, help, what is wrong with it. store keeps what is typed over a change of language.
function field(definition, store) {
  const id = `field-${definition.name}`;
  const types = { secret: "password", url: "url", email: "email" };
  const input = make("input", {
    id, name: definition.name, type: types[definition.kind] ?? "text", spellcheck: "false", autocapitalize: "none",
    autocomplete: definition.autocomplete ?? "off", "aria-describedby": `${id}-help ${id}-wrong`, "aria-required": String(definition.required),
  });
  const wrong = make("p", { class: "wrong", id: `${id}-wrong` });
  const help = definition.example ? `${definition.help} ${t("form.example", { example: definition.example })}` : definition.help;
  const rules = fieldRules(definition);
  const set = (text) => {
    wrong.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  const value = () => (definition.kind === "secret" ? input.value : input.value.trim());
  const check = () => { set(rules.wrong(value())); return !wrong.textContent; };
  input.value = store[definition.name] ?? "";
  input.addEventListener("input", () => { store[definition.name] = value(); if (wrong.textContent) check(); });
  input.addEventListener("blur", () => { if (input.value !== "") check(); });
  const label = definition.required ? definition.label : t("form.optional", { label: definition.label });
  return {
    name: definition.name, input, check, set,
    element: make("div", { class: "field" }, make("label", { for: id }, label),
      definition.kind === "secret" ? make("div", { class: "secret" }, input, secretToggle(input, definition.label)) : input,
      make("p", { class: "help", id: `${id}-help` }, help), wrong),
  };
}
function personFields() {
  const list = [];
  if (!state.page.name && !state.page.reconnect) list.push({ name: "customer_name", kind: "text", label: t("form.name"), help: t("form.name_help"), required: true, max: 200, autocomplete: "organization" });
  if (!state.page.email && !state.page.reconnect) list.push({ name: "customer_email", kind: "email", label: t("form.email"), help: t("form.email_help"), required: true, max: 254, autocomplete: "email" });
  return list.map((definition) => field(definition, state.person));
}
function troubleBox() {
  if (!state.trouble) return null;
  const error = state.trouble;
  const known = messages[state.language][`error.${error.code}`] ? error.code : "OTHER";
  // the server's own words, in English: more than the sentence above says
  const reason = error.code === "CREDENTIALS_REJECTED" ? null : error.details?.reason ?? error.details?.message;
  return make("div", { class: "trouble", role: "alert" }, make("h2", {}, t("trouble.title")),
    make("p", { id: "trouble" }, t(`error.${known}`, names())),
    reason ? make("p", { class: "reason" }, t("trouble.details", { reason: "" }), make("span", { lang: "en" }, reason)) : null,
    error.code.startsWith("CONNECT_LINK_") ? null : make("p", {}, t("trouble.retry"),
      state.page.attempts_left < 10 ? ` ${t("trouble.left", { count: state.page.attempts_left })}` : ""));
}
function form() {
  const again = state.page.reconnect !== null;
  const fields = [...personFields(), ...state.platform.credentials.map((c) => field(
    { ...c, label: ofConnector(c.label), help: ofConnector(c.help), max: c.max ?? 2048 }, state.values))];
  for (const one of fields) if (state.trouble?.errors?.[one.name]) one.set(state.trouble.errors[one.name].join(" "));
  const back = () => { state.trouble = null; show = choose; show().focus(); };
  const submit = (event) => {
    event.preventDefault();
    const wrong = fields.filter((one) => !one.check());
    if (wrong.length) wrong[0].input.focus();
    else send();
  };
  return put(t(again ? "form.again" : "form.title", names()),
    make("p", { class: "lead" }, t(again ? "form.again_lead" : "form.lead", names())), troubleBox(),
    make("form", { novalidate: true, on: { submit } }, ...fields.map((one) => one.element),
      make("div", { class: "actions" }, make("button", { type: "submit", class: "primary" }, t("form.connect")),
        again || state.platforms.length < 2 ? null : make("button", { type: "button", class: "secondary", on: { click: back } }, t("form.back")))));
}

// ---- step 3: trying it
function progress() {
  const steps = [["step.seal", state.sealed ? "done" : "now"], [state.slow ? "step.slow" : "step.reach", state.sealed ? "now" : ""]];
  return put(t("progress.title", names()), make("ol", { class: "steps" }, ...steps.map(([name, kind]) =>
    make("li", kind ? { class: kind } : {}, t(name, names())))));
}
async function attempt() {
  const credentials = Object.fromEntries(state.platform.credentials
    .map((c) => [c.name, state.values[c.name] ?? ""]).filter(([, value]) => value !== ""));
  const box = await seal(fromBase64url(state.page.public_key), state.page.info, state.platform.key, JSON.stringify(credentials));
  state.sealed = true;
  show();
  return ask("send", { platform: state.platform.key, name: state.person.customer_name ?? "", email: state.person.customer_email ?? "", ...box });
}
async function send() {
  Object.assign(state, { trouble: null, sealed: false, slow: false });
  show = progress;
  show().focus();
  say(t("progress.title", names()));
  const slow = setTimeout(() => { state.slow = true; show(); say(t("step.slow", names())); }, 5000);
  const answer = await attempt().catch(() => ({ error: { code: "CONNECT_SEAL_INVALID" } }));
  clearTimeout(slow);
  if (answer.error) {
    state.trouble = answer.error;
    state.page.attempts_left -= 1;
    show = form;
    show();
    (view.querySelector("[aria-invalid=true]") ?? view.querySelector("input[type=password]") ?? view.querySelector("h1")).focus();
    return;
  }
  state.values = {};
  state.result = answer.data;
  show = done;
  show().focus();
}

// ---- the end
function done() {
  const { account, return_url: url } = state.result;
  return put(t("done.title"), make("div", { class: "good" }, make("p", {}, t("done.text", names())),
    account ? make("p", {}, t("done.account", { account })) : null),
  url ? make("div", { class: "actions" }, make("a", { class: "primary", href: url, rel: "noreferrer" }, t("done.return", names())))
    : make("p", {}, t("done.close")));
}
function stopped(error) {
  show = () => {
    const known = messages[state.language][`error.${error.code}`] ? error.code : "OTHER";
    return put(t("trouble.title"), make("p", {}, t(`error.${known}`, names())));
  };
  show();
}

// ---- languages
function remember(language) {
  try {
    sessionStorage.setItem("language", language);
  } catch { /* a browser that keeps nothing keeps no language */ }
}
function remembered() {
  try {
    return sessionStorage.getItem("language");
  } catch {
    return null;
  }
}
function speak(language) {
  state.language = messages[language] ? language : "en";
  document.documentElement.lang = state.language;
  document.getElementById("skip").textContent = t("skip");
  document.getElementById("footer").textContent = t("privacy");
  document.getElementById("languages").setAttribute("aria-label", t("language_label"));
  for (const button of document.querySelectorAll("#languages button")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === state.language));
  }
}

async function start() {
  const get = (name) => fetch(`/connect/files/${name}`).then((answer) => answer.json());
  [messages, fieldTexts] = await Promise.all([get("messages.json"), get("fields.json")]);
  speak(remembered() ?? document.documentElement.lang);
  for (const button of document.querySelectorAll("#languages button")) {
    button.addEventListener("click", () => { speak(button.dataset.language); remember(state.language); show(); });
  }
  if (!window.isSecureContext || !crypto.subtle) {
    show = () => put(t("title"), make("p", { class: "notice" }, t("insecure")));
    show();
    return;
  }
  show = () => put(t("title"), make("p", {}, t("loading")));
  show();
  const [page, platforms] = await Promise.all([ask("open"), askPlatforms()]);
  if (page.error || platforms.error) {
    stopped(page.error ?? platforms.error);
    return;
  }
  state.page = page.data;
  document.getElementById("brand").textContent = state.page.application;
  const offered = state.page.reconnect ? [state.page.reconnect.platform] : state.page.platforms;
  state.platforms = platforms.data.filter((p) => !offered.length || offered.includes(p.key)).sort((a, b) => a.name.localeCompare(b.name));
  state.platform = state.page.reconnect ? state.platforms[0] ?? null : null;
  show = state.platform ? form : choose;
  show();
}
start();
