"""What a hive checks before it starts a worker: memory, backend, device."""

from behave import given, then, when
from behave.runner import Context

from harness.acts import arrange, registration
from harness.checks import preflight


@given('node "{node}" is registered and has {free_mb:d} MB of RAM free, for a model of {size_mb:d} MB')
def a_node_with_ram_and_a_model(context: Context, node: str, free_mb: int, size_mb: int) -> None:
    registration.register(context.stage, node)
    context.stage.set_fact(node, "free_mb", f"{free_mb}\n")
    arrange.model_of_size(context.stage, node, size_mb)


@given('node "{node}" is registered and has {free_mb:d} MB free on device {device:d}, for a model of {size_mb:d} MB')
def a_node_with_vram_and_a_model(context: Context, node: str, free_mb: int, device: int, size_mb: int) -> None:
    registration.register(context.stage, node)
    arrange.vram_free(context.stage, node, device, free_mb)
    arrange.model_of_size(context.stage, node, size_mb)


@given('the backends of "{node}" are "{backends}"')
def the_backends_are(context: Context, node: str, backends: str) -> None:
    arrange.backends_are(context.stage, node, backends)


@when('the user asks "{node}" for {count:d} tokens on device {device:d} of "{backend}"')
def the_user_asks_for_a_backend(context: Context, node: str, count: int, device: int, backend: str) -> None:
    context.stage.run(arrange.infer(node, max_tokens=count, backend=backend, device=device))


@then('the hive of "{node}" checked {memory}: {required_mb:d} MB required, {available_mb:d} MB available')
def the_hive_checked_memory(context: Context, node: str, memory: str, required_mb: int, available_mb: int) -> None:
    preflight.expect_memory_check(context.evidence, node, memory, required_mb, available_mb)


@then('the hive of "{node}" looked for device {device:d} of "{backend}" after its RAM check, and found it')
def the_hive_found_the_device(context: Context, node: str, device: int, backend: str) -> None:
    preflight.expect_device_check(context.evidence, node, device, backend)


@then('the hive of "{node}" started no worker, and answered:')
def the_hive_started_no_worker(context: Context, node: str) -> None:
    preflight.expect_refusal(context.evidence, node, context.table)
