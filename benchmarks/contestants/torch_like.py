"""One program text for every library with PyTorch's interface."""

from importlib import import_module

from benchmarks.workloads import Workload

from . import Step


def torch(workload: Workload) -> Step:
    return build("torch", workload)


def chainrule(workload: Workload) -> Step:
    return build("chainrule", workload)


def build(library_name: str, workload: Workload) -> Step:
    library = import_module(library_name)
    nn = import_module(f"{library_name}.nn")
    optim = import_module(f"{library_name}.optim")

    model = workload.model(nn)
    initial = {name: library.tensor(value) for name, value in workload.parameters().items()}
    model.load_state_dict(initial)
    loss_function = workload.loss(nn)
    optimizer = workload.optimizer(optim, model.parameters())
    inputs, targets = (library.tensor(array) for array in workload.data())

    def step():
        optimizer.zero_grad()
        loss = loss_function(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss

    return step
