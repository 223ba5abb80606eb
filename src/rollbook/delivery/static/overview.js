// The overview: fetches its JSON twin and shows it. While someone is looking it is sent what changes; where no stream can
// be had it fetches again every half minute.

import {draw, fillTable, forget, onColours} from "./drawing.js";
import {watching} from "./watching.js";

const REFRESH_MS = 30_000;
const FIRST_EVENT_MS = 3_000; // while there is nothing yet: the first event should light up the page
const TIMEOUT_MS = 60_000;

const main = document.getElementById("main");
const twin = "/overview.json" + location.search;
const fixed = Boolean(new URLSearchParams(location.search).get("as_of"));
let overview = null;
let timer = 0;
let asking = false;
let drawing = false;
let stale = false;

const stream = watching(liveAddress(), take, () => {
  plan();
  if (!stream.isOpen() && !document.hidden) refresh(); // it may have ended because the session has
});

const find = (id) => document.getElementById(id);

async function refresh() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    await take(await fetched());
    if (!document.hidden && !fixed) stream.start();
  } catch (error) {
    fail(error);
  } finally {
    asking = false;
    plan();
  }
}

/** Show an answer; of those that come while one is drawn, the last. */
async function take(found) {
  overview = found;
  stale = true;
  if (drawing) return;
  drawing = true;
  try {
    while (stale) {
      stale = false;
      await show();
    }
  } finally {
    drawing = false;
  }
}

function liveAddress() {
  const asked = new URLSearchParams(location.search);
  asked.set("overview", "true");
  return "/api/v2/live/events?" + asked;
}

async function fetched() {
  let response;
  try {
    response = await fetch(twin, {signal: AbortSignal.timeout(TIMEOUT_MS), headers: {Accept: "application/json"}});
  } catch {
    throw new Error("Rollbook does not answer. Is it still running?");
  }
  // the session has ended: after signing in again this page comes back
  if (response.status === 401) location.assign("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Error(body?.detail ?? `Rollbook answered with status ${response.status}.`);
  return body;
}

function plan() {
  clearTimeout(timer);
  if (document.hidden || (fixed && overview) || stream.isOpen()) return;
  timer = setTimeout(refresh, overview?.is_empty ? FIRST_EVENT_MS : REFRESH_MS);
}

async function show() {
  find("notice").hidden = true;
  find("when").textContent = period();
  if (overview.is_empty) {
    find("curl").textContent = command();
    state("empty");
    return;
  }
  overview.figures.forEach(showFigure);
  if (main.dataset.state !== "ready") state("ready"); // before drawing: a chart measures its place
  await Promise.all(overview.panels.map(showPanel));
  const at = new Date().toLocaleTimeString("en-GB");
  const how = stream.isOpen() ? "as it happens" : "every 30 seconds";
  find("updated").textContent = fixed ? "A fixed moment; not refreshed." : `Updated ${at}; ${how}.`;
}

function showFigure(figure) {
  const place = find(figure.name);
  place.querySelector(".value").textContent = figure.text;
  place.querySelector(".note").textContent = figure.note;
}

async function showPanel(panel) {
  const place = find(panel.name);
  const title = place.querySelector("h2").textContent;
  const chart = place.querySelector(".chart");
  place.querySelector(".says").textContent = panel.says;
  place.querySelector(".definition").textContent = panel.definition;
  place.querySelector(".ask").href = panel.ask;
  place.querySelector(".data").hidden = panel.is_empty;
  place.classList.toggle("nothing", panel.is_empty);
  fillTable(place.querySelector("table"), title, panel.columns, panel.rows);
  if (panel.is_empty) {
    chart.removeAttribute("role");
    forget(chart);
    return;
  }
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", `Chart: ${title}. ${panel.says}`);
  await draw(chart, panel.spec, panel.rows);
}

function period() {
  const zone = overview.timezone;
  const day = new Intl.DateTimeFormat("en-GB", {day: "numeric", month: "short", year: "numeric", timeZone: zone});
  const until = new Date(overview.as_of);
  const from = new Date(until.getTime() - (overview.days - 1) * 86_400_000);
  const last = overview.last ? ` · no events in this range, the last was on ${overview.last}` : "";
  return `${day.formatRange(from, until)} · ${zone}${last}`;
}

/** The command that sends a first event; single quotes in a tenant's name must not end the shell's. */
function command() {
  const tenant = encodeURIComponent(overview.tenant).replaceAll("'", "%27");
  const to = overview.tenant === "default" ? "" : `?tenant_id=${tenant}`;
  const key = main.dataset.needsKey ? ` \\\n  -H "Authorization: Bearer $ROLLBOOK_KEY"` : "";
  const event = '{"event_type": "content_view", "user_id": "ada", "content_id": "lesson-1"}';
  return `curl '${location.origin}/api/v2/events${to}'${key} \\\n  -H 'Content-Type: application/json' \\\n  -d '${event}'`;
}

function state(name) {
  main.dataset.state = name;
  main.setAttribute("aria-busy", String(name === "loading"));
  find("failed").hidden = name !== "failed";
  find("empty").hidden = name !== "empty";
  find("content").hidden = name === "failed" || name === "empty";
}

/** Nothing shown yet: say so instead. Something shown: keep it, and say that it is old. */
function fail(error) {
  if (main.dataset.state === "ready" || main.dataset.state === "empty") {
    find("notice").textContent = `${error.message} Trying again every 30 seconds; until then these are the last figures.`;
    find("notice").hidden = false;
    return;
  }
  find("reason").textContent = error.message;
  state("failed");
}

async function copy() {
  const button = find("copy");
  try {
    await navigator.clipboard.writeText(find("curl").textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(find("curl")); // no clipboard without https: the keyboard's copy then
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}

/** A menu closes when one clicks elsewhere or presses Escape. */
function closeMenu(event) {
  const menu = document.querySelector(".menu[open]");
  if (!menu || (event.type === "keydown" ? event.key !== "Escape" : menu.contains(event.target))) return;
  menu.open = false;
  if (event.type === "keydown") menu.querySelector("summary").focus();
}

find("twin").href = twin;
find("again").addEventListener("click", refresh);
find("copy").addEventListener("click", copy);
document.addEventListener("click", closeMenu);
document.addEventListener("keydown", closeMenu);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stream.stop();
  else refresh();
  plan();
});
onColours(() => main.dataset.state === "ready" && show());
refresh();
