"""How many names of published audits are varied: first names, surnames and whole names.

    python benchmarks/audit_names.py [FOLDER]

FOLDER holds the public tables of names (as for scripts/compile_names.py): then it is also told how
many of the first names have a group and a sex that the tables support by that script's thresholds.

The names are those of correspondence studies (Bertrand and Mullainathan 2004, Oreopoulos 2011,
Milkman et al. 2012, Caliskan et al. 2017, Gaddis 2015, Nunley et al. 2015, Edelman et al. 2017,
Kline et al. 2022), held back when the tables were compiled: no name was put there for their sake.
"""

from __future__ import annotations

import sys
from pathlib import Path

import leanfair

FIRST = {
    "white male": """
        Todd Neil Geoffrey Brett Brendan Greg Matthew Jay Brad Adam Bradley Brian Chad
        Daniel Eric Gregory Jacob Jason Jeremy Joseph Joshua Justin Nathan Scott Harry Josh
        Roger Alan Frank Ryan Andrew Jack Stephen Paul Jonathan Peter Cody Jake Caleb
        Michael John Steven Brent Hunter Dustin Connor Logan Tanner Wyatt Patrick""",
    "white female": """
        Emily Anne Jill Allison Laurie Sarah Meredith Carrie Kristen Amanda Amy Erin Heather
        Jennifer Julie Lori Misty Rebecca Susan Courtney Melanie Katie Betsy Kristin Nancy
        Stephanie Ellen Lauren Colleen Megan Rachel Claire Abigail Katelyn Molly Madeline
        Caitlin Emma Alison Hannah""",
    "black male": """
        Rasheed Tremayne Kareem Darnell Tyrone Hakim Jamal Leroy Jermaine Antwan Donnell
        Lamar Lamont Marquis Maurice Reginald Roderick Terrance Terrell Alonzo Jamel
        Alphonse Jerome Torrance Lionel Tyree Deion Malik Terrence Lavon Marcellus Wardell
        DeShawn DeAndre Jalen DaQuan Terell Tyrell Latrell Keyshawn DaShawn Darius""",
    "black female": """
        Aisha Keisha Tamika Lakisha Tanisha Latoya Kenya Latonya Ebony Lakeisha Lakesha
        Lashonda Latasha Latisha Lawanda Patrice Tameka Tawanda Yolanda Nichelle Shereen
        Shaniqua Jasmine Tia Malika Yvette Aaliyah Nia Shanice Janae""",
    "hispanic male": """
        Carlos Juan José Luis Jorge Pedro Miguel Hector Alejandro Jesus Manuel Francisco
        Ricardo Javier Ramon Santiago Mateo Enrique Fernando Raul""",
    "hispanic female": """
        Gabriella Juanita Maria María Guadalupe Carmen Rosa Ana Alejandra Camila Daniela
        Esmeralda Lucia Mariana Sofia Isabel Luz Ximena Yesenia Marisol""",
    "asian male": """
        Raj Deepak Chang Dong Arjun Panav Rahul Samir Asif Tao Yong Wei Hiroshi Kenji Sanjay
        Vijay Anil Rohan Minh Tuan Akira Jin""",
    "asian female": """
        Sonali Indira Mei Ling Maya Priyanka Shreya Tara Lei Fang Min Xiuying Priya Anjali
        Linh Thuy Yuki Akiko Sunita Kavita""",
}
LAST = {
    "white": """
        Walsh Baker Sullivan Murphy Kelly McCarthy O'Brien Ryan Murray Becker Schneider
        Meyer Schmidt Olson Snyder Weber Yoder Stoltzfus Troyer Adler Bauer Berger Friedman
        Kauffman Klein Koch Lang Larson Mueller Reilly Roth Schroeder Schultz Schwartz Stein
        Weaver Weiss Zimmerman Kruger Rasmussen Anderson Hoffman""",
    "black": """
        Washington Jefferson Jackson Alston Battle Bethea Bolden Booker Braxton Chatman
        Diggs Felder Francois Hairston Hollins Jean Lockett Louis Merriweather Muhammad
        Myles Pierre Randle Rosser Ruffin Singleton Smalls Winston Gaines Dorsey Mosley""",
    "hispanic": """
        Lopez Gonzalez Rodriguez Martinez Garcia García Hernandez Ramirez Rivera Gomez Perez
        Sanchez Torres Morales Velazquez Ibarra Orozco Zavala""",
    "asian": """
        Singh Patel Desai Shah Huang Lin Chen Wong Kumar Kaur Sharma Sheikh Liu Li Wang
        Zhang Nguyen Tran Kim Park Tanaka Yamamoto Choi Gupta""",
}
NAMES = """Emily Walsh|Greg Baker|Lakisha Washington|Jamal Jones|Brad Anderson|Steven Smith
    Meredith Roberts|Claire Smith|Lamar Washington|Terell Jones|Keisha Thomas|Latoya Brown
    Carlos Lopez|Juan Gonzalez|Gabriella Rodriguez|Juanita Martinez|Raj Singh|Deepak Patel
    Sonali Desai|Indira Shah|Chang Huang|Dong Lin|Mei Chen|Ling Wong|Claire Kruger|Amy Rasmussen
    Ebony Booker|Aaliyah Jackson|Cody Baker|Jake Kelly|DeShawn Jefferson|DeAndre Washington
    Greg Johnson|John Martin|Matthew Wilson|Michael Smith|Alison Johnson|Carrie Martin|Emily Brown
    Jill Wilson|Arjun Kumar|Panav Singh|Rahul Kaur|Samir Sharma|Maya Kumar|Priyanka Kaur
    Shreya Sharma|Tara Singh|Dong Liu|Lei Li|Tao Wang|Yong Zhang|Fang Chen|Min Liu|Na Li
    Xiuying Zhang|Allison Sullivan|Anne Murphy|Kristen Sullivan|Laurie Ryan|Meredith O'Brien
    Brad Walsh|Brent Baker|Brett Walsh|Greg O'Brien|Jay Murphy|Todd McCarthy|Lakisha Jones
    Latonya Robinson|Latoya Williams|Tamika Williams|Tanisha Jackson|Darnell Jackson|Jermaine Jones
    Rasheed Jackson|Tyrone Robinson|Jake Mueller|DeShawn Jackson|Greg Walsh|José Martinez
    Tyrell Jackson|Patrick McDougall|Hunter Becker|Todd Becker|Abigail Meyer|Jamal Washington
    Jalen Booker|Caleb Olson|Shanice Muhammad|Nia Mosley|Luis Hernandez|Maria Garcia|Carmen Torres
    Jorge Ramirez|Jin Park|Hiroshi Tanaka|Minh Nguyen
    Linh Tran|Anjali Gupta|Wei Zhang|Yuki Yamamoto"""


def varied(text: str) -> bool:
    """Whether the text comes back in more than one variation."""
    return len(leanfair.vary(text, "name")) > 1


def main() -> None:
    """Print the share of each group that is varied, and what is not."""
    for group, names in FIRST.items():
        _tell(group, names.split(), "{} applied.")
    if len(sys.argv) > 1:
        _tell_supported(Path(sys.argv[1]))
    for group, names in LAST.items():
        _tell(f"surnames, {group}", names.split(), "Emily {} applied.", changed=True)
    names = [name.strip() for line in NAMES.splitlines() for name in line.split("|")]
    _tell("whole names", names, "{} applied.")


def _tell_supported(folder: Path) -> None:
    """The first names whose group and sex the tables support: how many of them are varied."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
    from compile_names import ONE_SEX, TELLS, tables_of_first_names

    race, male = tables_of_first_names(folder)
    supported, missed = 0, list[str]()
    for group, names in FIRST.items():
        people, sex = group.split()
        for name in names.split():
            key = name.upper()
            share = male.get(key, 0.5) if sex == "male" else 1 - male.get(key, 0.5)
            telling = key in race.index and race.loc[key, people] >= TELLS[people]
            if telling and share >= ONE_SEX:
                supported += 1
                if not varied(f"{name} applied."):
                    missed.append(name)
    share = (supported - len(missed)) / supported
    print(
        f"first names that the tables support: {supported - len(missed)} of {supported} "
        f"({share:.0%}); not {' '.join(missed) or 'one'}"
    )


def _tell(group: str, names: list[str], frame: str, changed: bool = False) -> None:
    missed = []
    for name in names:
        found = leanfair.vary(frame.format(name), "name")
        texts = [one.text for one in found if not one.original]
        if not texts or (changed and all(name in text for text in texts)):
            missed.append(name)
    print(f"{group}: {len(names) - len(missed)} of {len(names)}; not {' '.join(missed) or 'one'}")


if __name__ == "__main__":
    main()
