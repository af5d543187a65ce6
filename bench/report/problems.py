"""The classic problems: three programs that check themselves while they run."""
import runner
from section import Output, Section

INTRO = (
    "Three old problems on conc's threads, each in several solutions. The programs check "
    "themselves while they run: that nobody is where somebody else must be alone (safety), and "
    "that everybody gets on (progress). What they print stands below."
)
PROBLEMS = {
    "dining_philosophers": "Dining philosophers",
    "sleeping_barber": "Sleeping barber",
    "readers_writers": "Readers and writers",
}


def measure(build, quick):
    section = Section("The classic problems", INTRO)
    seconds = "0.2" if quick else "0.7"
    for program, title in PROBLEMS.items():
        said = []
        try:
            output = runner.run([f"{build}/examples/{program}", "--seconds", seconds], 4, keep=said)
            lines = output.strip().splitlines()
            held = bool(lines) and lines[-1].startswith("ok:")
            verdict = lines[-1].removeprefix("ok: ") if held else "did not say ok"
            section.check(f"{title}: {verdict}", held, output)
        except runner.Failed as failure:
            section.check(title, False, str(failure))
        section.blocks += [Output(title, text.strip(), terminal=True) for text in said]
    return section
