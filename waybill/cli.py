"""The `waybill` command. Installed parts of Waybill add their commands through the entry point group `waybill.commands`."""

from __future__ import annotations

from importlib.metadata import entry_points

import click

from waybill import __version__
from waybill.commands import changing, jobs, pacing, records, setup, telling
from waybill.commands.receipts import receipt
from waybill.commands.submit import submit
from waybill.commands.terminal import write_commands
from waybill.demo import demo

GROUP = "waybill.commands"
SECTIONS: dict[str, tuple[click.Command, ...]] = {  # those of a group with the group's name before theirs
    "Files and jobs": (submit, jobs.watch, jobs.jobs, jobs.results, receipt, pacing.pause, pacing.resume,
                       pacing.pace, jobs.cancel, jobs.retry, jobs.undo),
    "Records": (records.get, records.search, records.export),
    "Changing what a selection names": (
        changing.patch, changing.publish, changing.delete, changing.undelete, changing.update, changing.move, changing.bulk,
    ),
    "Being told": (
        telling.notices, telling.list_all, telling.add, telling.remove, telling.enable, telling.disable, telling.rotate,
        telling.deliveries, telling.replay,
    ),
    "Setting up": (setup.login, setup.doctor, setup.completion, demo),
}  # fmt: skip
OTHERS = "On the server"
SERVER = ("accounts", "up", "web", "worker", "dispatcher", "migrate", "engines", "database")


class Commands(click.Group):
    """A group that also has the commands of the parts that are installed here."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List our own commands and those of the parts."""
        return sorted({*super().list_commands(ctx), *_plugged()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command, our own first."""
        found = super().get_command(ctx, cmd_name) or _plugged().get(cmd_name)
        if found is None and cmd_name in SERVER:
            raise click.UsageError(f"`waybill {cmd_name}` is the server's: run it there, or pip install 'waybill[server]'")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by what they are for, and after ours those of the parts."""
        others = {name: found for name, found in _plugged().items() if name not in self.commands}
        ours = {title: {str(one.name): one for one in members} for title, members in SECTIONS.items()}
        for title, members in {**ours, OTHERS: dict(sorted(others.items()))}.items():
            write_commands(formatter, title, members)


def _plugged() -> dict[str, click.Command]:
    """Return the parts' commands; a part whose own dependencies are not installed has none."""
    found: dict[str, click.Command] = {}
    for entry in entry_points(group=GROUP):
        try:
            found |= entry.load().commands
        except ImportError:
            continue
    return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="waybill")
def main() -> None:
    """Bulk records: jobs that finish, one outcome per item, pages that do not shift."""


for ours in SECTIONS.values():
    for one in ours:
        if one not in telling.webhooks.commands.values():
            main.add_command(one)
main.add_command(telling.webhooks)


if __name__ == "__main__":
    main(prog_name="waybill")
