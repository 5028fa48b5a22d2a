// Signing in, and becoming an operator by a one-time link.
// SPDX-License-Identifier: Apache-2.0
import { post } from "./api.js";
import { h } from "./dom.js";
import { field, form, problemBox } from "./ui.js";

const ROLE = {
  owner: "You will be an owner: you may do everything, and invite others.",
  administrator: "You will be an administrator: you may do everything but invite others.",
  support: "You will be in support: you look at customers' connections, and say why.",
  auditor: "You will be an auditor: you look at everything and change nothing.",
};

function page(...children) {
  return h("main", { id: "main", class: "sign", tabindex: "-1" }, h("p", { class: "brand" }, h("img", { src: "/mark.svg", alt: "", width: 32, height: 32 }), "Fishplate"), h("div", { class: "card" }, children));
}

export function signIn(done, note = "") {
  const email = field({ name: "email", label: "E-mail address", type: "email", autocomplete: "username" });
  const password = field({ name: "password", label: "Password", type: "password", autocomplete: "current-password" });
  const code = field({ name: "code", label: "Code of your authenticator app", autocomplete: "one-time-code", required: false });
  code.element.hidden = true;
  return page(h("h1", {}, "Sign in"), note ? h("p", { class: "notice" }, note) : null, form({ fields: [email, password, code], submit: "Sign in", send: async (values) => {
    try {
      done((await post("/session", values)).data);
    } catch (problem) {
      if (problem.code !== "CODE_REQUIRED") throw problem;
      code.element.hidden = false;
      code.required = true;
      code.input.focus();
      if (values.code) throw problem;
    }
  } }), h("p", { class: "small soft" }, "Lost password or authenticator? An owner makes you a new link, or whoever runs the server: ", h("code", {}, "fishplate operator invite"), "."));
}

export async function welcome(link, done) {
  let invitation;
  try {
    invitation = (await post("/invitation", { link })).data;
  } catch (problem) {
    return page(h("h1", {}, "This link does not work"), problemBox(problem), h("div", { class: "actions" }, h("a", { class: "secondary", href: "#/" }, "To the dashboard")));
  }
  const email = field({ name: "email", label: "E-mail address", type: "email", autocomplete: "username", value: invitation.email ?? "", help: "You sign in with it." });
  if (invitation.email) email.input.readOnly = true;
  const name = field({ name: "name", label: "Your name", autocomplete: "name", value: invitation.name ?? "", help: "As colleagues know it; it is shown in lists." });
  const password = field({ name: "password", label: "New password", type: "password", autocomplete: "new-password", help: "15 characters or more: a few words with blanks between them are good, and easy to remember." });
  return page(h("h1", {}, invitation.again ? "Choose a new password" : "Welcome to Fishplate"), h("p", { class: "soft" }, ROLE[invitation.role]),
    form({ fields: [email, name, password], submit: invitation.again ? "Save and sign in" : "Create account", send: async (values) => done((await post("/invitation/accept", { ...values, link })).data) }));
}
