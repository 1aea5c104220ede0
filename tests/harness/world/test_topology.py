"""Topologies: what a file says about its nodes, and how a mistake in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.world.topology import NodeFacts, TopologyError, load_topology

PROJECT = Path(__file__).resolve().parents[3]
NODE = "{host: a.home.arpa, ram_free_mb: 1}"


def written(directory: Path, text: str) -> Path:
    """A topology file with this text."""
    path = directory / "topology.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_scenarios_machines_are_those_of_the_catalogue() -> None:
    topology = load_topology(PROJECT / "features" / "topology.yaml")

    assert topology.control == "blep"
    assert topology.nodes == {
        "blep": NodeFacts("blep.home.arpa", 16000),
        "workstation": NodeFacts("workstation.home.arpa", 8000, (8000, 8000)),
    }


def test_optional_fields_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, 'control: a\nnodes: {a: {host: h, ram_free_mb: 1, version: "0.2.0", installed: false}}')

    facts = load_topology(path).nodes["a"]

    assert facts.version == "0.2.0"
    assert not facts.installed


def test_nodes_are_numbered_in_the_files_order_each_with_a_directory(tmp_path: Path) -> None:
    topology = load_topology(written(tmp_path, f"control: b\nnodes: {{b: {NODE}, a: {NODE.replace('a.', 'b.', 1)}}}"))

    nodes = topology.place(tmp_path)

    assert [(node.name, node.number, node.directory) for node in nodes.values()] == [
        ("b", 1, tmp_path / "b"),
        ("a", 2, tmp_path / "a"),
    ]
    assert nodes["b"].host == "a.home.arpa"
    assert (nodes["b"].address, nodes["b"].ssh_port) == ("", 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "cannot be read"),
        ("control: a", "expected the field nodes"),
        ("- a", "expected the fields control, nodes, got ['a']"),
        ("{control: a, nodes: {}}", "nodes: expected between 1 and 249 nodes, got 0"),
        ("{control: a, nodes: [a]}", "nodes: expected a list of nodes by name"),
        ("{control: a, nodes: {A b: {}}}", "nodes: expected names of lower-case letters, digits"),
        (f"{{control: b, nodes: {{a: {NODE}}}}}", "control: expected the name of a node (a), got 'b'"),
        (f"{{control: [a], nodes: {{a: {NODE}}}}}", "control: expected the name of a node, got ['a']"),
        (f"{{control: a, nodes: {{a: {NODE}, b: {NODE}}}}}", "nodes: expected a host of its own for each node"),
        ("{control: a, nodes: {a: {host: h}}}", "nodes.a: expected the field ram_free_mb, got ['host']"),
        ("{control: a, nodes: {a: {host: h, ram_free_mb: 1, gpu: 1}}}", "nodes.a: expected only the fields cuda, host"),
        ("{control: a, nodes: {a: {host: h, ram_free_mb: many}}}", "nodes.a.ram_free_mb: expected a whole number"),
        ("{control: a, nodes: {a: {host: h, ram_free_mb: true}}}", "nodes.a.ram_free_mb: expected a whole number"),
        ("{control: a, nodes: {a: {host: h, ram_free_mb: 1, cuda: 2}}}", "nodes.a.cuda: expected a list of free MB"),
        ("{control: a, nodes: {a: {host: h, ram_free_mb: 1, cuda: [-1]}}}", "nodes.a.cuda[0]: expected a whole number"),
        ("{control: a, nodes: {a: {host: h, ram_free_mb: 1, version: 0.2}}}", "nodes.a.version: expected a version in"),
        ("{control: a, nodes: {a: {host: h, ram_free_mb: 1, installed: 1}}}", "nodes.a.installed: expected true or"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_expected(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(TopologyError) as caught:
        load_topology(path)

    assert f"{path}: {message}" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match=r"nowhere\.yaml: cannot be read: .*No such file"):
        load_topology(tmp_path / "nowhere.yaml")
