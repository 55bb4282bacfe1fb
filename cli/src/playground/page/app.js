// The playground's page: draws what the JSON API says (docs/PLAYGROUND.md) and redraws what changed.

const $ = (id) => document.getElementById(id);

/** An element: attributes, `on…` listeners and `class`, then children (nodes or text). */
function h(tag, attrs = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const state = {
  brand: { handle: "acme", name: "Acme" },
  tags: [],
  shops: {},
  people: [],
  me: localStorage.getItem("person"),
  posts: [],
  traces: {},
  mails: [],
  seen: new Set(JSON.parse(localStorage.getItem("seen-mails") || "[]")),
  cartSeen: null,
  openTrace: null,
};

async function get(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function send(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body ? { "content-type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error || `The playground answered ${answer.status}.`);
  return told;
}

// ---------------------------------------------------------------- small things

const FACES = ["#7a4b3a", "#3f5f8a", "#6b4a86", "#8a6a1f", "#35706b", "#8a3f5c", "#4f6b32", "#5b6770"];
const me = () => state.people.find((person) => person.handle === state.me) || state.people[0];
const person = (handle) => state.people.find((one) => one.handle === handle);
const tag = () => `@${state.brand.handle} #${state.tags.find((one) => one.kind === "cart")?.tag || "AcmeCart"}`;

function face(handle, small) {
  const size = small ? " small" : "";
  if (handle === state.brand.handle) {
    return h("span", { class: `face brand${size}`, "aria-hidden": "true" }, state.brand.name.slice(0, 1));
  }
  const index = state.people.findIndex((one) => one.handle === handle);
  const name = person(handle)?.name || handle;
  const initials = name.split(/\s+/).slice(0, 2).map((word) => [...word][0]).join("");
  const element = h("span", { class: `face${size}`, "aria-hidden": "true" }, initials);
  element.style.setProperty("--face", FACES[(index + FACES.length) % FACES.length]);
  return element;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
/** Where a link to one of the demonstration's shops leads on this machine. */
function here(url) {
  const [host] = Object.keys(state.shops).filter((one) => url === one || url.startsWith(`${one}/`));
  return host ? state.shops[host] + url.slice(host.length) : url;
}

function money(price) {
  const [amount, currency] = price.split(" ");
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(Number(amount));
  } catch {
    return price;
  }
}

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
function time(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  return h("time", { datetime: at, title: date.toLocaleString() }, (today ? clock : day).format(date));
}

function seconds(ms) {
  if (ms < 0) ms = 0;
  return ms < 1000 ? `${Math.round(ms)} ms` : ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60000)} min`;
}

/** Text with its links, hashtags and mentions marked. */
function words(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"]+|[#＃][\p{L}\p{M}\p{N}_]+|@[A-Za-z0-9_.-]+/gu)) {
    parts.push(text.slice(end, found.index));
    const piece = found[0];
    if (piece.startsWith("http")) {
      const url = piece.replace(/[.,;:!?)]+$/, "");
      const shown = url.replace(/^https?:\/\/(www\.)?/, "");
      parts.push(h("a", { href: here(url), target: "_blank", rel: "noopener" }, shown.length > 42 ? `${shown.slice(0, 40)}…` : shown), piece.slice(url.length));
    } else {
      parts.push(h("span", { class: piece.startsWith("@") ? "mention" : "tag" }, piece));
    }
    end = found.index + piece.length;
  }
  parts.push(text.slice(end));
  return parts.filter((part) => part !== "");
}

// ---------------------------------------------------------------- outcomes and ways

const GOOD = new Set(["Added", "QuantityChanged", "Preordered", "Removed", "Wished", "Unwished", "Started", "Purchased", "Helped", "Erased", "AlreadyInCart"]);
const BAD = new Set(["OutOfStock", "DealExcluded", "DigitalExcluded", "Restricted", "WrongMarketplace", "UnknownProduct", "NoProductLink", "ParentUnavailable", "CartFull", "TooOld", "RateLimited", "Blocked"]);
const MEANS = {
  Added: "It is in the cart now.", QuantityChanged: "The cart holds another number of it now.",
  AlreadyInCart: "It was in the cart as asked.", Preordered: "In the cart; it is sent when it comes out.",
  Removed: "It is out of the cart.", NotInCart: "It wasn't in the cart.", Wished: "It is on the wish list.",
  Superseded: "A later post of the same person had settled it already.", OutOfStock: "It is sold out.",
  DealExcluded: "Limited deals can't be reserved by a post.", DigitalExcluded: "Downloads are bought at the shop only.",
  Restricted: "It can't be ordered by a post.", WrongMarketplace: "It is sold in another country's shop.",
  ChooseOption: "Several things fit: the answer asks which.", QuantityCapped: "Fewer than asked, because of a limit.",
  UnknownProduct: "The link is of this shop, but names no product of it.", NoProductLink: "Neither the reply nor the post above shows a product.",
  ParentUnavailable: "The post above can't be read.", CartFull: "The cart holds as many lines as it may.",
  TooOld: "The post is too old.", NotLinked: "Kept until this person links an e-mail address.",
  RateLimited: "Too many in a short time.", Blocked: "This account is blocked.", Helped: "The answer explains how it works.",
  Stopped: "No more answers to this person.", Started: "Answers again.", Purchased: "Bought at the shop.", Erased: "The post is gone, and so is what it asked for.",
};
/** How long a post may be without a log line before nothing is to be expected, in ms. */
const QUIET = 3000;
const STAGES = [["webhook-ingest", "ingest"], ["classify", "classify"], ["cart-add", "cart"], ["notify", "notify"]];
const spaced = (name) => name.replace(/([a-z])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);
const tone = (name) => (GOOD.has(name) ? "good" : BAD.has(name) ? "bad" : "");
const pill = (name) => h("span", { class: `pill ${tone(name)}` }, spaced(name));

/** The latest decision of each line. */
function verdicts(trace) {
  const byLine = new Map();
  for (const one of trace?.outcomes || []) byLine.set(one.line, one);
  return [...byLine.values()];
}

function fillWay(button, post) {
  const trace = state.traces[post.id] || { outcomes: [], steps: [] };
  const stages = STAGES.map(([name, short]) => {
    const steps = trace.steps.filter((step) => step.function === name);
    const failed = steps.some((step) => step.level === "ERROR");
    return h("span", { class: `stage${failed ? " failed" : steps.length ? " done" : ""}` }, h("i"), h("span", {}, short));
  });
  const answer = state.posts.find((one) => one.in_reply_to === post.id && one.author === state.brand.handle);
  const last = answer?.created_at || trace.steps.at(-1)?.at;
  const took = last ? new Date(last) - new Date(post.created_at) : null;
  // A post that no function speaks of was dropped at once; its lines, if any, take a moment to appear.
  const age = Date.now() - new Date(post.created_at);
  if (took === null && age < QUIET) setTimeout(() => fillWay(button, post), QUIET - age + 100);
  const none = post.delivery === "pending" ? "on its way…" : age < QUIET ? "" : "none of the brand's tags: dropped at the door";
  button.replaceChildren(
    h("span", { class: "stages" }, stages),
    ...verdicts(trace).map((one) => pill(one.outcome)),
    h("span", { class: "took" }, took === null ? none : took < 120000 ? `${answer ? "answered in " : ""}${seconds(took)}` : "details"),
  );
}

function drawTrace() {
  const post = state.posts.find((one) => one.id === state.openTrace);
  if (!post) return;
  const trace = state.traces[post.id] || { outcomes: [], steps: [] };
  const start = new Date(post.created_at);
  const body = [
    h("div", { class: "quote" },
      h("div", { class: "by" }, face(post.author, true), h("b", {}, post.name), time(post.created_at)),
      h("p", { class: "words" }, words(post.text))),
  ];
  if (trace.outcomes.length) {
    body.push(h("div", { class: "verdicts" }, trace.outcomes.map((one) =>
      h("div", { class: "verdict" }, pill(one.outcome),
        h("p", {}, trace.outcomes.length > 1 ? `line ${one.line}${one.step ? `, step ${one.step}` : ""}: ` : "", MEANS[one.outcome] || "")))));
  }
  if (trace.steps.length) {
    body.push(h("ol", { class: "steps" }, trace.steps.map((step) => {
      const details = Object.entries(step.details || {}).filter(([name, value]) => value !== null && value !== "" && !(name === "step" && value === 0));
      return h("li", { class: `step ${step.level}` }, h("i", { "aria-hidden": "true" }),
        h("div", {}, h("b", {}, step.function), h("p", {}, step.what),
          details.length ? h("dl", {}, details.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value))))) : null),
        h("time", { datetime: step.at, title: step.at }, `+${seconds(new Date(step.at) - start)}`));
    })));
  } else {
    body.push(h("p", { class: "quiet" }, post.delivery === "pending" ? "The webhook hasn't taken it yet." : "No function has said anything about it yet. A post without one of the brand's tags isn't for Hashcart and is dropped at the door."));
  }
  $("trace-body").replaceChildren(...body);
}

function openTrace(post) {
  state.openTrace = post.id;
  drawTrace();
  $("trace").showModal();
}

// ---------------------------------------------------------------- composing

function chipsFor(post) {
  const carts = state.tags.filter((one) => one.kind === "cart");
  const own = carts.find((one) => one.marketplace === post?.marketplace) || carts[0];
  const rest = carts.filter((one) => one !== own);
  const wish = state.tags.filter((one) => one.kind === "wish" && one.marketplace === own?.marketplace);
  return { own: own ? `@${state.brand.handle} #${own.tag}` : tag(), chips: [...(post?.chips || []), "x2", "remove", ...wish.map((one) => `#${one.tag}`), ...rest.map((one) => `#${one.tag}`), "help", "stop", "start"] };
}

/** A form that posts as the person chosen above; `post` is what it answers, if anything. */
function composer(post, done) {
  const { own, chips } = chipsFor(post);
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const text = h("textarea", { rows: "2", required: true, maxlength: "2000" });
  text.value = post ? `${own} ` : "";
  const id = `text-${post?.id || "own"}`;
  text.id = id;
  const who = h("span", {});
  const submit = h("button", { class: "button", type: "submit" }, post ? "Reply" : "Post");
  const insert = (chip) => {
    // Another marketplace's tag replaces the one that is there; any other word is added.
    const tags = state.tags.map((one) => one.tag.toLowerCase());
    const there = text.value.match(/#([\p{L}\p{N}_]+)/u);
    if (chip.startsWith("#") && there && tags.includes(there[1].toLowerCase())) text.value = text.value.replace(there[0], chip);
    else text.value = `${text.value.trimEnd()} ${chip} `.trimStart();
    text.focus();
  };
  const form = h("form", {
    class: "composer",
    onsubmit: async (event) => {
      event.preventDefault();
      submit.disabled = true;
      fault.hidden = true;
      try {
        await send("POST", "/api/posts", { author: me().handle, text: text.value.trim(), ...(post ? { in_reply_to: post.id } : {}) });
        text.value = post ? `${own} ` : "";
        done?.();
        await loadPosts();
      } catch (error) {
        fault.textContent = error.message;
        fault.hidden = false;
      }
      submit.disabled = false;
    },
    onkeydown: (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
      if (event.key === "Escape") done?.();
    },
  },
    h("label", { for: id }, who),
    text,
    h("div", { class: "chips", role: "group", "aria-label": "Words to add" }, (post ? chips : [own, ...(chips)]).map((chip) =>
      h("button", { class: "chip", type: "button", onclick: () => insert(chip) }, chip))),
    h("div", { class: "acts" }, submit, h("button", { class: "plain", type: "button", onclick: () => done?.() }, "Cancel"), h("kbd", {}, "Ctrl+Enter"), fault));
  form.redraw = () => who.replaceChildren(face(me().handle, true), ` ${post ? "Reply" : "Post"} as ${me().name}`);
  form.redraw();
  return form;
}

// ---------------------------------------------------------------- timeline

/** The thread that each post on the page belongs to; elements live on so that focus and half-written replies do. */
const threads = new Map();

function rootOf(post, byId) {
  let root = post;
  while (root.in_reply_to && byId.has(root.in_reply_to)) root = byId.get(root.in_reply_to);
  return root;
}

const firstLink = (text) => { const found = text.match(/https?:\/\/[^\s<>"]+/); return found && here(found[0]); };

function makeThread(root) {
  const replies = h("div", { class: "replies", hidden: true });
  const count = h("span", { class: "answers-count" });
  const place = h("div", {});
  const replyButton = h("button", { class: "button", type: "button", "aria-expanded": "false" }, "Reply");
  const toggle = () => {
    const open = !place.firstChild;
    place.replaceChildren(...(open ? [composer(root, () => { place.replaceChildren(); replyButton.setAttribute("aria-expanded", "false"); replyButton.focus(); })] : []));
    replyButton.setAttribute("aria-expanded", String(open));
    if (open) { const area = place.querySelector("textarea"); area.focus(); area.setSelectionRange(area.value.length, area.value.length); }
  };
  replyButton.addEventListener("click", toggle);
  const isBrand = root.author === state.brand.handle;
  const way = isBrand ? null : h("button", { class: "way", type: "button", title: "The way of this post through the functions", onclick: () => openTrace(root) });
  const lead = h("div", { class: `lead${root.picture ? " pictured" : ""}` },
    h("div", {},
      h("div", { class: "by" }, face(root.author), h("div", { class: "who" }, h("b", {}, root.name), h("br"), h("span", { class: "handle" }, `@${root.author} · `), time(root.created_at)), isBrand ? null : deleteButton(root)),
      h("p", { class: "words" }, words(root.text)),
      way,
      h("div", { class: "acts" }, replyButton, count)),
    root.picture ? h("a", { class: "picture", href: firstLink(root.text) || root.picture, target: "_blank", rel: "noopener", tabindex: "-1", "aria-hidden": "true" }, h("img", { src: root.picture, alt: "", loading: "lazy" })) : null);
  const list = h("div", {});
  const thread = { replies, list, count, place, way, root, drawn: new Map(), whole: false };
  thread.earlier = h("p", { class: "earlier", hidden: true }, h("button", { class: "plain", type: "button", onclick: () => { thread.whole = true; drawReplies(thread); } }));
  replies.append(thread.earlier, list);
  thread.element = h("li", { class: "thread", id: `post-${root.id}` }, h("article", { "aria-label": `Post by ${root.name}` }, lead, replies, place));
  return thread;
}

function deleteButton(post) {
  return h("button", {
    class: "quietly", type: "button", "aria-label": `Delete this post by ${post.name}`,
    onclick: async (event) => {
      event.currentTarget.disabled = true;
      await send("DELETE", `/api/posts/${encodeURIComponent(post.id)}`).catch(() => {});
      loadPosts();
    },
  }, "Delete");
}

function makeReply(post) {
  const ours = post.author === state.brand.handle;
  const way = ours ? null : h("button", { class: "way", type: "button", title: `The way of this reply by ${post.name} through the functions`, onclick: () => openTrace(post) });
  const element = h("article", { class: `reply${ours ? " ours" : ""}`, id: `post-${post.id}`, "aria-label": `${ours ? "Answer" : "Reply"} by ${post.name}` },
    face(post.author, true),
    h("div", { class: "by" }, h("b", {}, post.name), h("span", { class: "handle" }, `@${post.author}`), time(post.created_at), ours ? h("span", { class: "robot" }, "automated") : deleteButton(post)),
    h("div", {}, h("p", { class: "words" }, words(post.text)), way));
  return { element, way, post };
}

/** Replies in reading order: each followed by what answers it. */
function inOrder(root) {
  const children = new Map();
  for (const post of state.posts) {
    if (post.in_reply_to) children.set(post.in_reply_to, [...(children.get(post.in_reply_to) || []), post]);
  }
  const ordered = [];
  const visit = (id) => { for (const child of children.get(id) || []) { ordered.push(child); visit(child.id); } };
  visit(root.id);
  return ordered;
}

function drawPosts() {
  const byId = new Map(state.posts.map((post) => [post.id, post]));
  const roots = state.posts.filter((post) => rootOf(post, byId) === post).sort((a, b) => b.created_at.localeCompare(a.created_at));
  for (const [id, thread] of threads) {
    if (!byId.has(id) || !roots.some((root) => root.id === id)) { thread.element.remove(); threads.delete(id); }
  }
  let before = null;
  for (const root of roots) {
    if (!threads.has(root.id)) threads.set(root.id, makeThread(root));
    const thread = threads.get(root.id);
    thread.root = root;
    const place = before ? before.nextSibling : $("posts").firstChild;
    if (place !== thread.element) $("posts").insertBefore(thread.element, place);
    before = thread.element;
    drawReplies(thread);
  }
  $("timeline-empty").hidden = roots.length > 0;
  if ($("trace").open) drawTrace();
}

/** How many replies and answers a thread shows before one asks for more. */
const SHOWN = 12;

function drawReplies(thread) {
  const all = inOrder(thread.root);
  let start = thread.whole || all.length <= SHOWN + 2 ? 0 : all.length - SHOWN;
  while (start > 0 && start < all.length && all[start].author === state.brand.handle) start -= 1; // an answer stays with what it answers
  const posts = all.slice(start);
  thread.earlier.hidden = start === 0;
  thread.earlier.firstChild.textContent = `Show ${start} earlier`;
  const shown = new Set(posts.map((post) => post.id));
  for (const [id, reply] of thread.drawn) if (!shown.has(id)) { reply.element.remove(); thread.drawn.delete(id); }
  posts.forEach((post, index) => {
    if (!thread.drawn.has(post.id)) thread.drawn.set(post.id, makeReply(post));
    const reply = thread.drawn.get(post.id);
    reply.post = post;
    if (thread.list.children[index] !== reply.element) thread.list.insertBefore(reply.element, thread.list.children[index] || null);
    if (reply.way) fillWay(reply.way, post);
  });
  if (thread.way) fillWay(thread.way, thread.root);
  thread.replies.hidden = posts.length === 0;
  const answers = all.filter((post) => post.author !== state.brand.handle).length;
  thread.count.textContent = answers === 0 ? "" : answers === 1 ? "1 reply" : `${answers} replies`;
}

function drawOwn() {
  const open = h("button", { class: "button second", type: "button", onclick: () => {
    const form = composer(null, () => { drawOwn(); $("own").querySelector("button").focus(); });
    $("own").replaceChildren(form);
    form.querySelector("textarea").focus();
  } }, "Write a post of your own");
  $("own").replaceChildren(open);
}

// ---------------------------------------------------------------- people

function drawPeople() {
  $("people").replaceChildren(...state.people.map((one) => {
    const input = h("input", { type: "radio", name: "person", value: one.handle, onchange: () => choose(one.handle) });
    input.checked = one.handle === me().handle;
    return h("label", { class: "person", title: one.about || "" }, input, face(one.handle),
      h("span", {}, h("b", {}, one.name), h("small", {}, one.linked ? `linked · ${one.language}` : `not linked · ${one.language}`)));
  }));
}

function choose(handle) {
  state.me = handle;
  localStorage.setItem("person", handle);
  state.cartSeen = null;
  for (const form of document.querySelectorAll(".composer")) form.redraw?.();
  drawMails();
  loadCart();
}

// ---------------------------------------------------------------- cart

function cartLine(line, marketplace, fresh) {
  return h("li", { class: `cart-line${fresh ? " fresh" : ""}` },
    h("span", { class: "thumb" }, line.picture ? h("img", { src: line.picture, alt: "" }) : null),
    h("div", {}, h("p", { class: "title" }, line.link ? h("a", { href: line.link, target: "_blank", rel: "noopener" }, line.title) : line.title), line.options ? h("p", { class: "options" }, line.options) : null),
    h("p", { class: "price" }, line.price ? money(line.price) : "at the checkout", line.quantity ? h("small", {}, `× ${line.quantity}`) : null));
}

function drawCart(cart) {
  const who = me();
  document.querySelector("[data-whose]").textContent = who.name;
  const now = new Map();
  const body = [];
  for (const [id, marketplace] of Object.entries(cart.marketplaces)) {
    if (!marketplace.lines.length) continue;
    body.push(h("h3", {}, h("span", {}, marketplace.name || id), h("span", {}, `#${marketplace.tag || id}`)));
    body.push(h("ol", {}, marketplace.lines.map((line) => {
      const key = `${id}/${line.variant}`;
      now.set(key, line.quantity);
      return cartLine(line, id, state.cartSeen && state.cartSeen.get(key) !== line.quantity);
    })));
  }
  const count = [...now.values()].reduce((sum, one) => sum + one, 0);
  if (cart.wishlist.length) {
    body.push(h("h3", {}, "Wish list"), h("ol", {}, cart.wishlist.map((line) => cartLine({ ...line, quantity: 0 }))));
  }
  if (!cart.linked) {
    body.unshift(h("p", { class: "notice" }, `${who.name} isn't linked yet. What they ask for by post waits until they have confirmed an e-mail address. Theirs is ${who.email}.`));
    body.push(h("div", { class: "acts" }, h("a", { class: "button", href: `/network/link/${encodeURIComponent(who.handle)}`, target: "_blank", rel: "noopener" }, "Link my account")));
  } else {
    if (!body.length) body.push(h("p", { class: "empty" }, "Empty. Reply to a product to change that."));
    body.push(h("div", { class: "acts" }, h("a", { class: "button second", href: cart.page, target: "_blank", rel: "noopener" }, "Open the cart page")));
  }
  $("cart-body").replaceChildren(...body);
  $("cart-count").textContent = count;
  $("cart-count").hidden = count === 0;
  state.cartSeen = now;
}

// ---------------------------------------------------------------- inbox

function drawMails() {
  const all = $("inbox-all").checked;
  const mine = state.mails.filter((mail) => all || mail.to.toLowerCase().includes(me().email.toLowerCase()));
  const unread = mine.filter((mail) => !state.seen.has(mail.id)).length;
  $("inbox-count").textContent = unread;
  $("inbox-count").hidden = unread === 0;
  if (!mine.length) {
    $("mails").replaceChildren(h("li", { class: "empty" }, all ? "No mail yet." : `No mail for ${me().name} yet.`));
    return;
  }
  $("mails").replaceChildren(...[...mine].reverse().map((mail) => h("li", {},
    h("button", { class: `mail${state.seen.has(mail.id) ? "" : " unread"}`, type: "button", onclick: () => openMail(mail) },
      h("span", { class: "subject" }, mail.subject || "(no subject)"), time(mail.received_at),
      h("span", { class: "to" }, all ? `to ${mail.to}` : mail.from)))));
}

function openMail(mail) {
  state.seen.add(mail.id);
  localStorage.setItem("seen-mails", JSON.stringify([...state.seen].slice(-500)));
  drawMails();
  $("mail-title").textContent = mail.subject || "(no subject)";
  $("mail-meta").textContent = `${mail.from} → ${mail.to}`;
  const show = (part) => {
    for (const button of document.querySelectorAll(".mail-tabs button")) {
      const chosen = button.dataset.part === part;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
    $("mail-part").setAttribute("aria-labelledby", `tab-${part}`);
    if (part === "html" && mail.html) {
      $("mail-part").replaceChildren(h("iframe", { title: "The mail as its reader sees it", sandbox: "allow-popups allow-popups-to-escape-sandbox", src: `/api/inbox/${mail.id}/html` }));
    } else if (part === "headers") {
      $("mail-part").replaceChildren(h("pre", {}, Object.entries(mail.headers).map(([name, value]) => `${name}: ${value}`).join("\n")));
    } else {
      $("mail-part").replaceChildren(h("pre", {}, linked(mail.text || "(no plain text)")));
    }
  };
  for (const button of document.querySelectorAll(".mail-tabs button")) button.onclick = () => show(button.dataset.part);
  show(mail.html ? "html" : "text");
  $("mail").showModal();
}

function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((part) => (part.startsWith("http") ? h("a", { href: part, target: "_blank", rel: "noopener" }, part) : part));
}

document.querySelector(".mail-tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const next = buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length];
  next.click();
  next.focus();
});

// ---------------------------------------------------------------- loading

/** Runs `load` at once and, if asked again meanwhile, once more after it. */
function steadily(load) {
  let running = false;
  let again = false;
  return async () => {
    if (running) { again = true; return; }
    running = true;
    do {
      again = false;
      await load().catch(() => {});
    } while (again);
    running = false;
  };
}

const loadPosts = steadily(async () => { [state.posts, state.traces] = await Promise.all([get("/api/posts"), get("/api/traces")]); drawPosts(); });
const loadTraces = steadily(async () => { state.traces = await get("/api/traces"); drawPosts(); });
const loadMails = steadily(async () => { state.mails = await get("/api/inbox"); drawMails(); });
const loadCart = steadily(async () => { const handle = me().handle; const cart = await get(`/api/cart/${encodeURIComponent(handle)}`); if (handle === me().handle) drawCart(cart); });
const loadPeople = steadily(async () => {
  const told = await get("/api/personas");
  Object.assign(state, { brand: told.brand, tags: told.tags, shops: told.shops, people: told.personas });
  document.querySelectorAll("[data-brand]").forEach((element) => { element.textContent = state.brand.name; });
  document.querySelectorAll("[data-tag]").forEach((element) => { element.textContent = tag(); });
  $("intro-tag").textContent = tag();
  drawPeople();
});

function say(text, live) {
  $("state-text").textContent = text;
  $("state").classList.toggle("live", live);
}

async function untilReady() {
  for (;;) {
    try {
      const answer = await fetch("/api/ready");
      if (answer.ok) break;
      const told = await answer.json();
      $("curtain-text").textContent = told.doing ? `Starting: ${told.doing}…` : "Starting…";
    } catch {
      $("curtain-text").textContent = "The local stack isn't running. Start it with `cargo run`.";
    }
    $("curtain").hidden = false;
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  $("curtain").hidden = true;
}

async function loadAll() {
  await loadPeople();
  drawOwn();
  await Promise.all([loadPosts(), loadMails(), loadCart()]);
}

function listen() {
  const events = new EventSource("/api/events");
  events.onopen = () => { say("Live", true); };
  events.onerror = async () => { say("Reconnecting…", false); events.close(); await untilReady(); await loadAll(); listen(); };
  events.onmessage = (event) => {
    const { kind } = JSON.parse(event.data);
    if (kind === "timeline") { loadPosts(); loadCart(); }
    if (kind === "trace") { loadTraces(); loadCart(); loadPeople(); }
    if (kind === "inbox") loadMails();
    if (kind === "cart") { loadCart(); loadPeople(); }
  };
}

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}
$("trace").addEventListener("close", () => { state.openTrace = null; });
$("about-open").addEventListener("click", () => $("about").showModal());
$("inbox-all").addEventListener("change", drawMails);
for (const button of document.querySelectorAll("[data-goto]")) {
  button.addEventListener("click", () => {
    document.body.dataset.view = button.dataset.goto;
    document.querySelectorAll("[data-goto]").forEach((one) => one.toggleAttribute("aria-current", one === button));
    scrollTo(0, 0);
  });
}
window.addEventListener("focus", () => { if (state.people.length) { loadPeople(); loadCart(); } });

await untilReady();
await loadAll();
listen();
if (location.hash) document.querySelector(`[id="${CSS.escape(location.hash.slice(1))}"]`)?.scrollIntoView();
