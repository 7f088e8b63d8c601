"""``genba twin``: ask the line twin, fit it to what was recorded, and see how well it predicts."""

from genba.cli import twin_calibrate, twin_imagine, twin_learn, twin_whatif
from genba.cli.output import noun

app = noun("Ask the line twin what would be, and fit it to what was recorded.")
app.command("whatif", short_help="Compare many futures with and without a change.")(
    twin_whatif.whatif
)
app.command("learn", short_help="Learn a process from its history.")(twin_learn.learn)
app.command("imagine", short_help="Make synthetic rows of a process, marked as such.")(
    twin_imagine.imagine
)
app.command("calibrate", short_help="Fit the twin to what was recorded.")(twin_calibrate.calibrate)
app.command("validate", short_help="Compare the twin with recorded shifts.")(
    twin_calibrate.validate
)
