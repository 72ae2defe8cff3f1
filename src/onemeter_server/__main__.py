"""The command `onemeter-server`: the one place that knows production and demo."""

import typer

from .cli import keys
from .cli.run import run
from .demo.command import demo

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(run)
app.command()(demo)
app.add_typer(keys.app, name="key")


@app.callback()
def main() -> None:
    """Serve the OneMeter Cloud API from this machine."""


if __name__ == "__main__":
    app(prog_name="onemeter-server")
