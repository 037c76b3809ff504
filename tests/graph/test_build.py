

def test_a_model_named_like_its_child_keeps_both_apart():
    b = GraphBuilder("net")
    x = b.input("x", (1, 2))
    with b.scope("net", type_name="ReLU", inputs=(x,)):
        y = b.op("relu", {"input": x}, shape=(1, 2))
    b.output("output", y)
    assert sorted(scope.id for scope in b.finish().scopes) == ["net", "net@1"]
