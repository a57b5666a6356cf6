"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const given = JSON.parse(at("data").textContent);
  let shown = null, data = null, followed = true;

  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  };
  const score = (value) => (value === null || value === undefined ? "-" : value.toFixed(1));
  const state = () => (data.stop_reason || data.status).replaceAll("_", " ");
  const turnOf = (number) => data.turns.find((turn) => turn.turn === number);

  const show = (number, by) => {
    const turn = turnOf(number);
    if (!turn) return;
    shown = number;
    if (by) followed = number === data.turns[data.turns.length - 1].turn;
    const frame = at("frame");
    const both = Boolean(data.source && turn.image); // one of them alone has nothing to be compared with
    frame.classList.toggle("alone", !both);
    at("before").src = data.source || turn.image || "data:,";
    at("before").alt = data.source ? "Before: the source" : `The result of turn ${number}`;
    at("after").hidden = !both;
    if (both) { at("after").src = turn.image; at("after").alt = `After: the result of turn ${number}`; }
    at("change").hidden = !(at("changes").checked && turn.change);
    if (turn.change) at("change").src = turn.change;
    for (const button of at("turns").querySelectorAll("button"))
      button.setAttribute("aria-current", String(Number(button.dataset.turn) === number));
    const panel = at("turn");
    panel.replaceChildren(make("h2", `Turn ${number}${number === data.selected_turn ? ", the chosen one" : ""}`));
    const facts = make("dl");
    const fact = (name, text, kind) => { if (text) facts.append(make("dt", name), make("dd", text, kind)); };
    fact("Scores", turn.scored ? `semantic ${score(turn.semantic)}, quality ${score(turn.quality)}, overall ${score(turn.overall)} of 10` : turn.state || "not judged yet");
    fact("Told the editor", turn.prompt);
    fact("What was seen", turn.reasoning);
    fact("Would try next", turn.satisfied ? "" : turn.next_prompt);
    fact("Failed", turn.error, "error");
    fact("Took", `${turn.seconds.toFixed(1)} s`);
    panel.append(facts);
  };

  const draw = (fresh) => {
    data = fresh;
    at("view").hidden = false;
    at("instruction").textContent = data.instruction;
    at("status").textContent = `${state()} after ${data.turns.length} turn${data.turns.length === 1 ? "" : "s"}`;
    at("status").classList.toggle("bad", data.status === "failed");
    at("why").textContent = data.why;
    at("facts").textContent = `session ${data.session_id}; editor ${data.editor}, thinker ${data.thinker}, mode ${data.mode}`;
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.turn : null;
    at("turns").replaceChildren(...data.turns.map((turn) => {
      const button = make("button");
      button.type = "button";
      button.dataset.turn = turn.turn;
      if (turn.image) { const small = make("img"); small.src = turn.image; small.alt = ""; button.append(small); }
      else button.append(make("span", "no picture", "none"));
      const line = make("span", `Turn ${turn.turn}`);
      line.append(make("b", score(turn.overall)));
      button.append(line);
      if (turn.turn === data.selected_turn) button.append(make("span", " chosen", "chosen"));
      button.addEventListener("click", () => show(turn.turn, true));
      const item = make("li");
      item.append(button);
      return item;
    }));
    if (focused) { const again = at("turns").querySelector(`[data-turn="${focused}"]`); if (again) again.focus(); }
    if (!data.turns.length) { at("frame").classList.add("alone"); at("after").hidden = true; at("before").src = data.source || "data:,"; at("turn").replaceChildren(make("p", "No turn has ended yet.", "dim")); return; }
    const last = data.turns[data.turns.length - 1].turn;
    const ended = data.status !== "running";
    show(shown !== null && !followed ? shown : ended && data.selected_turn ? data.selected_turn : last);
  };

  at("slider").addEventListener("input", (event) => at("frame").style.setProperty("--at", `${event.target.value}%`));
  at("changes").addEventListener("change", () => show(shown));
  document.addEventListener("keydown", (event) => {
    if (event.target === at("slider") || event.altKey || event.ctrlKey || event.metaKey || !data) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const turns = data.turns.map((turn) => turn.turn);
    const next = turns[turns.indexOf(shown) + step];
    if (next === undefined) return;
    event.preventDefault();
    show(next, true);
    at("turns").querySelector(`[data-turn="${next}"]`).focus();
  });

  const live = async (address) => {
    let tag = "";
    for (;;) {
      try {
        const answer = await fetch(address, { headers: tag ? { "If-None-Match": tag } : {} });
        if (answer.status === 200) { tag = answer.headers.get("ETag") || ""; draw(await answer.json()); }
      } catch { /* the server is away for a moment: asked again */ }
      if (data && data.status !== "running" && data.status !== "paused") return;
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
  };

  // Inside a host of MCP Apps (revision 2026-01-26): the host hands over the result of the tool.
  const inHost = () => {
    let number = 0;
    const waiting = new Map();
    const post = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
    const ask = (method, params) => new Promise((resolve, reject) => { waiting.set(++number, { resolve, reject }); post({ id: number, method, params }); });
    const read = async (image) => {
      if (!image) return null;
      try {
        const { contents } = await ask("resources/read", { uri: image.uri });
        return `data:${contents[0].mimeType};base64,${contents[0].blob}`;
      } catch { return null; }
    };
    const take = async (result) => {
      const told = result.structuredContent;
      if (!told || !told.turns) return;
      const preview = (result.content || []).filter((block) => block.type === "image").pop();
      const instead = preview ? `data:${preview.mimeType};base64,${preview.data}` : null;
      const turns = [];
      for (const turn of told.turns) {
        const critique = turn.critique || {};
        const image = await read(turn.image) || (turn.turn === told.selected_turn ? instead : null);
        turns.push({ ...turn, ...critique, prompt: turn.prompt, error: turn.error, image, change: null, scored: typeof critique.overall === "number", seconds: turn.seconds.edit + turn.seconds.critique });
      }
      draw({ ...told, source: await read(told.source), turns });
      post({ method: "ui/notifications/size-changed", params: { height: document.documentElement.scrollHeight } });
    };
    addEventListener("message", (event) => {
      if (event.source !== parent) return;
      const message = event.data || {};
      if (message.id !== undefined && waiting.has(message.id)) {
        const { resolve, reject } = waiting.get(message.id);
        waiting.delete(message.id);
        message.error ? reject(message.error) : resolve(message.result);
      } else if (message.method === "ui/notifications/tool-result") take(message.params);
      else if (message.method === "ui/resource-teardown") post({ id: message.id, result: {} });
    });
    ask("ui/initialize", { protocolVersion: "2026-01-26", appInfo: { name: "thinkedit", version: "1" }, appCapabilities: {} })
      .then(() => post({ method: "ui/notifications/initialized", params: {} }));
  };

  if (given.live) live(given.live);
  else if (given.host) inHost();
  else draw(given.result);
})();
