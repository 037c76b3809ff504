"""The Graph: what is computed. See `netfig.graph.types` for the meaning of each type."""

from netfig.graph.types import (
    Attribute,
    Attributes,
    Axis,
    Dim,
    Graph,
    Note,
    Op,
    Phase,
    Port,
    Ref,
    Scope,
    ScopeKind,
    Slot,
    TensorType,
    Value,
    ValueKind,
)

__all__ = [
    "Attribute",
    "Attributes",
    "Axis",
    "Dim",
    "Graph",
    "Note",
    "Op",
    "Phase",
    "Port",
    "Ref",
    "Scope",
    "ScopeKind",
    "Slot",
    "TensorType",
    "Value",
    "ValueKind",
]
