// The dashboard: who is signed in, the shell around the pages, and which page the address names.
// Everything stands in the address, so that a link shows a colleague the same.
// SPDX-License-Identifier: Apache-2.0
import { get, may, remove, session } from "./api.js";
import { add, h, icon } from "./dom.js";
import { connection, connections } from "./connections.js";
import { account, application, applications, customer, customers, keys, operators, overview, platforms, system } from "./pages.js";
import { audit, request, requests } from "./records.js";
import { signIn, welcome } from "./sign.js";
import { initials } from "./format.js";
import { problemBox } from "./ui.js";

// name: [title, page, page of one, action that it needs]
const PAGES = {
  overview: ["Overview", overview, null, "GET /overview"],
  connections: ["Connections", connections, connection, "GET /connections"],
  customers: ["Customers", customers, customer, "GET /customers"],
  applications: ["Applications", applications, application, "GET /applications"],
  requests: ["Requests", requests, request, "GET /requests/{id}"],
  audit: ["Audit log", audit, null, "GET /audit"],
  keys: ["Keys", keys, null, "GET /keys"],
  platforms: ["Platforms", platforms, null, "GET /platforms"],
  operators: ["Operators", operators, null, "GET /operators"],
  system: ["System", system, null, "GET /system"],
};

const shell = document.getElementById("shell");
let main = null;
let turn = 0;

function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, key = ""] = path.split("/").map(decodeURIComponent);
  return { name: name || "overview", key, query: Object.fromEntries(new URLSearchParams(query)) };
}

// Changes what stands in the address; from what stands there now, whatever a page was made of.
function go(name, changes, anew) {
  const query = anew ? changes : { ...route().query, ...changes };
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  const hash = `#/${name}${text ? `?${text}` : ""}`;
  if (hash !== location.hash) history.pushState(null, "", hash);
  show(false);
}

// ---- the shell
function navigation() {
  const list = Object.entries(PAGES).filter(([, [, , , action]]) => may(action)).map(([name, [title]]) =>
    h("li", {}, h("a", { href: `#/${name}`, "data-page": name }, icon(name), title)));
  return h("nav", { class: "nav", id: "nav", "aria-label": "Pages of the dashboard" }, h("ul", {}, list));
}

function openMenu(open) {
  document.body.classList.toggle("menu-open", open);
  document.getElementById("menu")?.setAttribute("aria-expanded", String(open));
}

async function signOut() {
  await remove("/session").catch(() => null);
  session.reason = "";
  session.data = null;
  location.hash = "#/";
  start("You are signed out.");
}

function frame() {
  const me = session.data;
  main = h("main", { id: "main", tabindex: "-1" });
  shell.replaceChildren(h("div", { class: "shell" },
    h("header", { class: "top" }, h("button", { type: "button", id: "menu", class: "quiet menu", "aria-label": "Menu", "aria-expanded": "false", "aria-controls": "nav", on: { click: () => openMenu(!document.body.classList.contains("menu-open")) } }, icon("menu")),
      h("a", { class: "brand", href: "#/" }, h("img", { src: "/mark.svg", alt: "", width: 28, height: 28 }), "Fishplate"),
      h("div", { class: "me" }, h("a", { class: "named", href: "#/account", "aria-label": `Your account: ${me.name}, ${me.role}` }, h("span", { class: "initials round", "aria-hidden": "true" }, initials(me.name)), h("span", { class: "me-name" }, h("span", { class: "strong" }, me.name), h("span", { class: "small soft block" }, me.role))),
        h("button", { type: "button", class: "quiet", "aria-label": "Sign out", title: "Sign out", on: { click: signOut } }, icon("out")))),
    navigation(), main));
}

// ---- pages
async function show(fresh = true) {
  const { name, key, query } = route();
  if (name === "welcome") {
    shell.replaceChildren(await welcome(key, signedIn));
    focusHeading();
    return;
  }
  const mine = ++turn;
  const [title, list, one] = name === "account" ? ["Your account", account, null] : PAGES[name] ?? ["Not found", null, null];
  const page = key && one ? one : list;
  const parts = fresh || !main.firstChild ? { head: h("div", { class: "page-head" }), body: h("div", { class: "page-body" }) } : { head: main.children[0], body: main.children[1] };
  const again = () => show(false);
  const act = async (work) => {
    try {
      await work();
    } catch (problem) {
      parts.body.prepend(problemBox(problem));
      parts.body.firstChild.scrollIntoView({ block: "nearest" });
    }
  };
  openMenu(false);
  document.title = `${title} · Fishplate`;
  for (const link of document.querySelectorAll(".nav a")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (fresh) main.replaceChildren(parts.head, parts.body);
  parts.body.setAttribute("aria-busy", "true");
  const typing = document.activeElement?.id === "search" ? { value: document.activeElement.value, at: document.activeElement.selectionStart } : null;
  try {
    if (!page) throw Object.assign(new Error("There is no such page."), { code: "ROUTE_UNKNOWN", next: "Take one from the menu." });
    const coming = page({ key, query, go: (changes, anew = false) => go(name, changes, anew), parts, again, act });
    goOnTyping(typing);
    const content = await coming;
    if (mine !== turn) return;
    parts.body.replaceChildren();
    add(parts.body, [content]);
  } catch (problem) {
    if (mine !== turn || !session.data) return;
    if (!parts.head.firstChild) parts.head.replaceChildren(h("h1", { tabindex: "-1" }, title));
    parts.body.replaceChildren(problemBox(problem));
  }
  parts.body.removeAttribute("aria-busy");
  if (fresh && !typing) focusHeading();
}

// The head of a page is made anew while somebody types into its search.
function goOnTyping(typing) {
  const search = document.getElementById("search");
  if (!typing || !search) return;
  search.value = typing.value;
  search.focus();
  search.setSelectionRange(typing.at, typing.at);
}

function focusHeading() {
  const heading = document.querySelector("main h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

// ---- begin
function signedIn(data) {
  session.data = data;
  if (route().name === "welcome") history.replaceState(null, "", "#/");
  frame();
  show();
}

function start(note = "") {
  if (route().name === "welcome") show();
  else {
    shell.replaceChildren(signIn(signedIn, note));
    shell.querySelector("input")?.focus();
  }
}

session.lost = () => {
  session.data = null;
  start("Your session has ended. Sign in to go on where you were.");
};
window.addEventListener("hashchange", () => (session.data || route().name === "welcome" ? show() : start()));
window.addEventListener("keydown", (event) => {
  if (event.key === "Escape") openMenu(false);
  if (event.key === "/" && !event.target.closest("input, select, textarea, dialog")) {
    const search = document.getElementById("search");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});
get("/session").then((answer) => signedIn(answer.data), () => start());
