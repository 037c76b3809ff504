"""A small graph with nesting, a shared weight and operations beside modules."""

from __future__ import annotations

from netfig.graph.build import GraphBuilder
from netfig.graph.types import Graph


def small_graph(name: str = "net") -> Graph:
    b = GraphBuilder(name, type_name="Net")
    x = b.input("x", (1, 8))
    with b.scope("body", type_name="Sequential", inputs=[x]) as body:
        with b.scope("body.0", type_name="Linear", inputs=[x], attributes={"in_features": 8, "out_features": 8}) as fc:
            weight = b.parameter("body.0.weight", (8, 8))
            h = b.op("linear", {"input": x, "weight": weight}, shape=(1, 8))
            fc.outputs = [h]
        with b.scope("body.1", type_name="ReLU", inputs=[h]) as act:
            r = b.op("relu", {"input": h}, shape=(1, 8))
            act.outputs = [r]
        body.outputs = [r]
    with b.scope("body.0@1", type_name="Linear", path="body.0", call=1, inputs=[r], owns=[weight]) as again:
        s = b.op("linear", {"input": r, "weight": weight}, shape=(1, 8))
        again.outputs = [s]
    y = b.op("add", {"input": s, "other": x}, shape=(1, 8))
    b.output("output", y)
    return b.finish()
