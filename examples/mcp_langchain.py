"""Over MCP from a LangGraph agent, by LangChain's adapter, which needs an environment of its own (mcp<2).

    pip install langchain-mcp-adapters langgraph
    python examples/mcp_langchain.py examples/photos/coffee.png "make it warmer" http://127.0.0.1:8321/mcp

The agent is a scripted one, so that this runs without a key; put your chat model in its place.
"""

import asyncio
import sys

from langchain_core.messages import AIMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode


async def main(image: str, instruction: str, url: str) -> None:
    client = MultiServerMCPClient({"thinkedit": {"transport": "http", "url": url}})
    tools = await client.get_tools(server_name="thinkedit")

    def agent(state: MessagesState) -> dict[str, list[AIMessage]]:
        if state["messages"] and state["messages"][-1].type == "tool":
            return {"messages": [AIMessage(content="Done.")]}
        call = {"name": "think_edit", "id": "1", "args": {"image": image, "instruction": instruction}}
        return {"messages": [AIMessage(content="", tool_calls=[call])]}

    graph = StateGraph(MessagesState)
    graph.add_node("agent", agent)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", lambda state: "tools" if state["messages"][-1].tool_calls else END)
    graph.add_edge("tools", "agent")
    end = await graph.compile().ainvoke({"messages": [("user", f"{instruction}: {image}")]})
    answer = next(message for message in end["messages"] if message.type == "tool")
    result = answer.artifact["structured_content"]
    print(f"{result['stop_reason']} after {len(result['turns'])} turns: {result['image']['uri']}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
