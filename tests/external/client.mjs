// Lists and calls a server with one of the official TypeScript clients, and prints what it saw as JSON.
//
//   node client.mjs current|classic SERVER TASK
//
// SERVER: {"url": "..."} or {"command": "...", "args": [...], "env": {...}, "cwd": "..."}.
// TASK: {"image": "...", "cancelAt": "words in a progress message" | null}.

const [, , generation, serverText, taskText] = process.argv;
const server = JSON.parse(serverText);
const task = JSON.parse(taskText);

async function connected() {
  const info = { name: "thinkedit-tests", version: "1.0.0" };
  if (generation === "current") {
    const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
    const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
    const client = new Client(info, { versionNegotiation: { mode: "auto" } });
    const transport = server.url
      ? new StreamableHTTPClientTransport(new URL(server.url))
      : new StdioClientTransport(server);
    await client.connect(transport);
    return { client, call: (params, options) => client.callTool(params, options) };
  }
  const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
  const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
  const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
  const client = new Client(info);
  await client.connect(
    server.url ? new StreamableHTTPClientTransport(new URL(server.url)) : new StdioClientTransport(server),
  );
  return { client, call: (params, options) => client.callTool(params, undefined, options) };
}

const { client, call } = await connected();
const seen = { tools: [], progress: [], result: null, resourceBytes: 0, cancelled: null, goneOn: null, error: null };
seen.tools = (await client.listTools()).tools.map((tool) => tool.name);
const asked = { image: task.image, instruction: "make it warmer" };

seen.result = await call(
  { name: "think_edit", arguments: asked },
  { onprogress: (note) => seen.progress.push(note.message) },
);
const link = seen.result.content.find((block) => block.type === "resource_link");
const read = await client.readResource({ uri: link.uri });
seen.resourceBytes = Buffer.from(read.contents[0].blob, "base64").length;
seen.error = await call({ name: "edit_image", arguments: { image: "/etc/hostname", prompt: "warmer" } });

if (task.cancelAt) {
  const abort = new AbortController();
  let session = "";
  const onprogress = (note) => {
    session = note.message.match(/^session ([^,:]+)/)[1];
    if (note.message.includes(task.cancelAt)) abort.abort("enough");
  };
  try {
    await call(
      { name: "think_edit", arguments: { ...asked, editor: "slow" } },
      { signal: abort.signal, onprogress },
    );
  } catch (error) {
    seen.cancelled = String(error);
  }
  const uri = `thinkedit://sessions/${session}`;
  let left = null;
  do {
    left = JSON.parse((await client.readResource({ uri }, { cacheMode: "bypass" })).contents[0].text);
  } while (left.status === "running");
  seen.left = left;
  seen.goneOn = await call({ name: "continue_edit", arguments: { session_id: session } });
}
for (const answer of [seen.result, seen.goneOn]) {
  for (const block of answer?.content ?? []) {
    if (block.type === "image") block.data = block.data.length;
  }
}
await client.close();
process.stdout.write(JSON.stringify(seen) + "\n", () => process.exit(0));
