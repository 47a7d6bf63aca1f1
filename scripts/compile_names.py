"""Compiles the tables of names in `src/leanfair/fairness/lexicon/data/names.tsv`.

    python scripts/compile_names.py FOLDER WORDS [WORDS ...]

FOLDER holds the public tables: Tzioumis 2018 (first names of mortgage applicants by race, CC0),
births in the United States by sex and decade (SSA, public domain), births in New York by mother's
ethnicity (NYC Open Data), and the surnames of the Censuses of 2000 and 2010 (public domain). WORDS
are texts of plain English: a first name that is written small in them is also a word, and left out.

A name tells a race if a person who has it is, more likely than `TELLS`, of that race: of Tzioumis
and New York, whose people are no sample of the country, each column is first weighted to the shares
of the 2010 Census (`SHARES`). It tells a gender if 90 % of those born with it are of one sex. A row
of the first table holds a name for each race and gender, names of about the same generation side
by side (by the mean decade of birth); the group with the fewest names sets how many rows there are,
and of the others the most frequent are taken. What is left stands in pairs by gender alone, and
surnames that tell a race but found no row stand alone: a text that has them is told, not varied.
"""

from __future__ import annotations

import gzip
import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import pandas as pd
import yaml

DATA = Path(__file__).parents[1] / "src/leanfair/fairness/lexicon/data"
RACES = ("white", "black", "hispanic", "asian")
SEXES = ("male", "female")
SHARES = {"white": 0.637, "black": 0.122, "hispanic": 0.163, "asian": 0.048}
TELLS = {"white": 0.7, "black": 0.5, "hispanic": 0.6, "asian": 0.6}
ONE_SEX = 0.9
LAST_TELLS = {"white": 0.75, "black": 0.5, "hispanic": 0.8, "asian": 0.65}
LAST_RANK = 40_000
LONE_RANK = 20_000
COMMON_RANK = 15_000
FEWEST_BIRTHS = 3_000

COLUMNS = {"white": "pctwhite", "black": "pctblack", "hispanic": "pcthispanic", "asian": "pctapi"}
MOTHERS = {
    "white": "WHITE NON HISPANIC",
    "black": "BLACK NON HISPANIC",
    "hispanic": "HISPANIC",
    "asian": "ASIAN AND PACIFIC ISLANDER",
}
DECADES = {
    "before_1940": 1920, "1940s": 1945, "1950s": 1955, "1960s": 1965, "1970s": 1975,
    "1980s": 1985, "1990s": 1995, "2000s": 2005, "2010s": 2015,
}  # fmt: skip

ASIAN_SEX = {
    "male": """
        Abhijit Abhishek Ajit Alok Ankur Anup Arvind Ashish Ashok Atul Balaji Baldev Bharat
        Brijesh Chetan Chirag Deepak Dilip Dinesh Dipak Ganesh Gaurav Gautam Girish Gopal
        Harish Hemant Himanshu Hitesh Jagdish Jatinder Jayant Jayesh Jignesh Jitendra
        Kaushik Ketan Kishore Koji Krishna Mahendra Mahesh Manish Manoj Mayank Mehul Milind
        Mohan Mukesh Murali Narendra Naresh Navin Neeraj Nilesh Nirmal Nitin Pankaj Parag
        Paresh Piyush Pradeep Prakash Prashant Praveen Pravin Rajan Rajeev Rajendra Rajesh
        Rajiv Raju Rakesh Ramesh Ravindra Ritesh Sandeep Sanjeev Sanjiv Santosh Satish
        Shailesh Shankar Sharad Shyam Sivakumar Sridhar Srikanth Srinivas Srinivasa
        Srinivasan Sriram Subhash Sudhakar Sudhir Sumit Sunil Surendra Suresh Sushil Takashi
        Tarun Tushar Uday Umesh Venkat Venkata Venkatesh Vikas Vinod Vipul Yogesh Jianguo
        Jianwei Weiming Zhigang Zhiqiang Zhiyong Weidong Xiaodong Xiaofeng Qiang Guang Chanh
        Cuong Dinh Duy Dzung Hiep Hieu Hoan Khoi Kiet Liem Nghia Phong Phuc Phuoc Quang Quoc
        Thang Thinh Thuan Toan Trong Trung Truong Byung Hyung Kyaw Arnel Arif Sohail Asif
        Tao Yong Jae Jong Seung Kwok Sheng Cheng Zhong Tae Joon Seok Chao Guo Peng""",
    "female": """
        Alka Amita Anjana Anju Anuradha Aparna Archana Aruna Bhavna Chitra Geeta Geetha Gita
        Hema Hetal Jyoti Kalpana Kavitha Madhavi Mamta Manisha Manju Manjula Neelam Neeta
        Nenita Nirmala Padma Parul Poonam Preeti Priti Rashmi Rekha Renuka Ritu Sandhya
        Sangeeta Sangita Savita Shalini Shilpa Smita Sonal Sudha Swati Vaishali Vandana
        Varsha Veena Vidya Vijaya Hiroko Yoko Lihua Xiaohong Jing Qian Xue Diem Diep Dieu
        Hue Huyen Kieu Loan Nguyet Nhu Oanh Phung Quyen Quynh Suong Tram Truc Tuyet Eun Sook
        Myung Myong Hye Lei Xia Yan Rong Ting Qin Jie Lien Zhen Yun Hee Soon""",
}
"""The sex of names that the tables of births do not hold. Written for leanfair."""

BY_HAND = {
    ("black", "male"): """
        Antwon Daquan Dashawn Davon Davonte Deangelo Demarco Demarcus Demario Demetrice
        Demetris Demond Denzel Deonte Deron Deshaun Devante Devaughn Devonta Dontae
        Dontavious Donte Dontrell Jabari Jahmal Jajuan Jamarcus Jamarion Jamel Javante
        Javonte Jaylin Kadeem Keandre Kenyatta Keon Keshawn Keyon Keyshawn Kordell Laquan
        Laron Lashawn Lavar Lavell Lavon Marcellus Markel Markell Marquell Marques Marquez
        Marquise Montrell Quantavious Raekwon Rashaad Rashad Rashaun Rashawn Rayshawn
        Roshawn Savon Shaquan Shaquille Tavares Tavaris Tavion Tavon Tayshaun Terrance Tevin
        Trayvon Tremaine Treshawn Trevion Treyvon Tyquan Tyrese Tyrin Tyron Tyshaun Tyshawn
        Vashon Wardell""",
    ("black", "female"): """
        Aliyah Ashanti Daija Deasia Dejah Domonique Eboni Ebonie Iesha Jakayla Jaleesa
        Jamesha Janae Kanisha Keandra Keosha Keshia Kierra Kiesha Lakeisha Lakesha Lakeshia
        Laquisha Laquita Lashanda Lashawn Lashunda Latavia Latesha Latosha Marquita Monisha
        Myesha Nakia Nakisha Nautica Niesha Nyasia Quanisha Rashida Shakita Shalanda Shamika
        Shaneka Shanell Shanequa Shanita Shante Shaquana Shaquita Sharonda Shatara Shavonne
        Sheena Shenika Sheniqua Takisha Tamekia Tamesha Taneka Tanesha Tarsha Tashia Tawana
        Tawanna Tenisha Tiara Tierra Timeka Tomika Towanda Tyesha Tyeshia Tyneshia Unique
        Yolonda Zakiya""",
    ("asian", "male"): """
        Aditya Akash Akhil Akira Anirudh Ashwin Bhavesh Daisuke Devendra Dongwook Gopinath
        Guoqiang Haitao Haruki Hideki Hideo Hisashi Hyunwoo Jaehyun Jianjun Jianming Jihoon
        Junho Karthik Kartik Kazuki Kenichi Kiyoshi Kunal Lalit Makoto Masaru Minjun Minoru
        Mukund Nagesh Naoki Naveen Noboru Osamu Partha Pratik Rahul Rajat Ramakrishnan
        Sachin Sangwoo Satoshi Seungho Shashank Shigeru Shinji Siddharth Sourav Subramanian
        Sujit Sungmin Swapnil Tadashi Takahiro Takao Tatsuya Tetsuo Toru Toshio Uttam Varun
        Vasant Vishnu Wenbin Xiaoming Yasuo Yongjun Yuji Yutaka Zhiwei""",
    ("asian", "female"): """
        Aditi Akanksha Amrita Anusha Anushka Ayumi Bhavana Bich Chieko Deepika Emiko Eunji
        Fumiko Gayatri Hanako Haruka Harumi Hitomi Huiling Hyejin Hyunjung Indira Ishani
        Janaki Jiaying Jiyoung Junko Kanchan Kaori Kazuko Keerthi Komal Kumiko Kyoko Lalita
        Leela Malini Mallika Mariko Masako Mayumi Megumi Meiling Michiyo Mieko Miho Minji
        Mitsuko Miyuki Namrata Nandini Nandita Nidhi Nobuko Noriko Pallavi Payal Prachi
        Pragya Pratibha Prerna Priyanka Radha Radhika Ranjana Reiko Rupali Sachiko Sakshi
        Sapna Sarika Sayuri Seoyeon Setsuko Sharmila Shizuko Shobha Shruti Shufen Shuhua
        Shweta Sonali Sowmya Sujata Sujin Sumiko Supriya Sushma Swapna Tanvi Teruko Toshiko
        Uma Urmila Vimala Vineeta Wenjing Xiaoling Xiaomei Xiaoyan Xiulan Xiuying Yamini
        Yanling Yasuko Yuko Yulan Yumiko""",
}
"""Names of which the tables know no race, or too few people. Written for leanfair, as audit studies
use them; taken after those of the tables."""

PLACES = """
    austin madison virginia georgia carolina brooklyn savannah florence paris london chelsea
    jordan israel kenya india china asia dakota cheyenne dallas houston denver phoenix
    lincoln jackson charlotte alexandria montgomery orlando memphis aurora milan verona
    sydney adelaide victoria chad malaysia egypt cairo zaire cuba tulsa bristol geneva
    vienna odessa roma sofia trinity princeton cleveland columbus stanford camden devon
    kingston eugene raleigh camilla lorraine francia holland ireland britain britney troy
    tyler lima lourdes guadalupe santiago antonia salem salinas marina carson lansing
    trenton easton weston ashton preston clinton hamilton washington jefferson roosevelt
    kennedy reagan monroe madisyn america asia africa alabama nevada arizona arkansas oregon
    boston brisbane persia valencia mercedes lexus porsche diego"""
"""First names that are as well the names of places, presidents or cars."""

OTHER_CAPITALS = """
    san los las sao rio fort port mount cape lake
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday easter christmas christian
    german roman latina latino thai french english irish romany don go in am an you long
    king don dr mr sir god santa saint st la le de el al i ii iii iv vi ok us uk eu un usa
    ai it hr"""
"""Words that are written with a capital for other reasons."""

LEFT_OUT = """
    mohamad mohammad mohammed mohamed nabil nader ahmad ahmed ali hassan hussein karim amir
    hamid majid mehdi reza bassam fadi ghassan imad issam jamil kamal khaled khalid mahmoud
    majed mazen mustafa nasser omar osama rami samer sami samir tarek walid wael yasser
    youssef ziad farid farhad fariba fatemeh leila maryam mehrdad nasrin parviz shahram
    shirin zahra rania rana samira hanan ramin bijan feynman kyson eason niam kingsley bowen
    queenie winnie rama khaleesi neymar"""
"""Names of the Middle East, whose people the Census counts as white, and fashions of one year."""

ACCENTED_FIRST = {
    "male": """
        José Jesús Martín Ramón Raúl Héctor Óscar Víctor Andrés César Álvaro Adrián Julián
        Sebastián Nicolás Joaquín Germán Rubén Iván Ángel Tomás Simón Agustín""",
    "female": """
        María Mónica Verónica Lucía Sofía Inés Belén Concepción Noemí Ángela Rocío Bárbara
        Fátima Angélica Rosalía Estefanía Asunción Úrsula Begoña Anaís Débora Magalí""",
}
ACCENTED_LAST = """
    García Hernández Rodríguez Martínez López González Pérez Sánchez Ramírez Gómez Díaz Gutiérrez
    Chávez Álvarez Jiménez Vásquez Vázquez Muñoz Núñez Peña Ibáñez Suárez Ríos Durán Méndez
    Fernández Domínguez Cortés Cárdenas Beltrán Galván Guzmán Marín Ávila Bermúdez Velázquez
    Meléndez Juárez Yáñez Zúñiga Rincón León Solís"""
ASIAN_ACCENTED_LAST = """
    Nguyễn Trần Lê Phạm Huỳnh Hoàng Lâm Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Đoàn Trịnh Trương"""
TWO_WORDS_LAST = """
    Van-Dyke St-Fleur De-La-Cruz Nguyễn-Văn
    Van-Horn St-Hilaire De-La-Vega Nguyen-Van
    Von-Braun St-Juste De-Leon Trần-Văn
    Van-Ness St-Vil De-La-Torre Tran-Van
    O'Brien N'Diaye De-La-Garza Nguyễn-Thị
    O'Connor M'Baye De-La-Fuente Nguyen-Thi
    O'Neill N'Guessan De-Los-Santos Trần-Thị
    O'Donnell D'Almeida Del-Rio Tran-Thi
    McCarthy McDowell-Banks Del-Valle Lê-Thị"""
"""Rows of surnames by hand: a hyphen stands for a space, except in McDowell-Banks."""
CAPITALS_INSIDE = re.compile(r"(?:(?:La|De|Da|Ja|Ke|Ty)(?=[jkmqrstvw]h?[aeiou])|De(?=an))(?=.{4})")


def main(folder: Path, words: list[Path]) -> None:
    """Write names.tsv."""
    small = Counter(word for path in words for word in _small_words(path))
    hand = yaml.safe_load((DATA / "name.yaml").read_text(encoding="utf-8"))
    people = _first_names(folder, {word for word, n in small.items() if n >= 2}, hand)
    first, rest = _first_rows(people, hand)
    pairs = _pairs(rest)
    firsts = {name.lower() for row in [*first, *pairs] for name in row}
    words = {word for word, n in small.items() if n >= 20}
    capitals = set(OTHER_CAPITALS.split())
    last, lone, common = _last_rows(folder, hand, firsts | _by_hand(hand) | words | capitals)
    sections = {
        "first": (["\t".join(row) for row in first]),
        "last": (["\t".join(row) for row in last]),
        "pairs": (["\t".join(row) for row in pairs]),
        "common last": [" ".join(common[i : i + 12]) for i in range(0, len(common), 12)],
        "lone last": [" ".join(lone[i : i + 12]) for i in range(0, len(lone), 12)],
    }
    lines = [f"# {line}".rstrip() for line in _head(first, last, pairs, lone).splitlines()]
    for name, rows in sections.items():
        lines += [f"= {name}", *rows]
    (DATA / "names.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(len(first), "rows of first names;", len(last), "of surnames;", len(pairs), "pairs;",
          len(lone), "surnames alone")  # fmt: skip


def _head(first: list, last: list, pairs: list, lone: list) -> str:
    return f"""Names by race and gender, compiled by scripts/compile_names.py. CC0-1.0.
Sources: Tzioumis 2018 (doi:10.1038/sdata.2018.25, CC0); US SSA births by sex (public domain);
births in New York City 2011-2017 by mother's ethnicity (NYC Open Data); US Census surnames
2000 and 2010 (public domain; by way of predictrace, MIT). The sex of some Asian names, accents
and capitals inside a name: written for leanfair.
Thresholds: P(race | first name) at least {TELLS}, weighted to the shares
of the 2010 Census {SHARES};
P(race | surname) at least {LAST_TELLS}, among the {LAST_RANK:,} most
frequent; {ONE_SEX:.0%} of one sex.
first: white, black, hispanic, asian, each male then female. last: white, black, hispanic, asian.
pairs: male, female. lone last: surnames that tell a race and found no row.
common last: the {COMMON_RANK:,} most frequent of the other surnames, which tell no race or that of
the majority; they stay as they are."""


def _small_words(path: Path) -> list[str]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    return re.findall(r"(?<![\w'@-])[a-z]+(?![\w'-])", text)


def tables_of_first_names(folder: Path) -> tuple[pd.DataFrame, pd.Series]:
    """What the tables alone say of first names: P of each race, and the share of boys."""
    births = pd.read_parquet(folder / "firstnames_ssa_by_decade.parquet")
    total = births.groupby(births.name.str.upper()).total.sum()
    boys = births[births.sex == "M"].set_index(births[births.sex == "M"].name.str.upper()).total
    york = pd.read_csv(folder / "firstnames_nyc_by_ethnicity.csv.gz")
    york.columns = ["sex", "mother", "name", "count"]
    york["name"] = york.name.str.upper()
    return _races(folder, york)[0], boys.reindex(total.index).fillna(0) / total


def _first_names(folder: Path, small: set[str], hand: dict) -> pd.DataFrame:
    """name -> P of each race, sex, mean year of birth, and how frequent it is."""
    births = pd.read_parquet(folder / "firstnames_ssa_by_decade.parquet")
    years = sum(births[column] * year for column, year in DECADES.items())
    births["years"] = years
    sums = births.groupby(births.name.str.upper())[["total", "years"]].sum()
    boys = births[births.sex == "M"].set_index(births[births.sex == "M"].name.str.upper()).total
    york = pd.read_csv(folder / "firstnames_nyc_by_ethnicity.csv.gz")
    york.columns = ["sex", "mother", "name", "count"]
    york["name"] = york.name.str.upper()
    sexes = york.pivot_table(index="name", columns="sex", values="count", aggfunc="sum").fillna(0)
    male = (boys.reindex(sums.index).fillna(0) / sums.total).combine_first(
        sexes.MALE / sexes.sum(axis=1)
    )
    for sex, names in ASIAN_SEX.items():
        own = pd.Series(
            float(sex == "male"), index=sorted({name.upper() for name in names.split()})
        )
        male = male.combine_first(own)
        male = male.combine_first(_own_names(sex))
    race, seen = _races(folder, york)
    index = male.index.union(race.index)
    people = race.reindex(index).fillna(0.0)
    for (group, _), names in BY_HAND.items():
        unknown = people.index.isin(names.upper().split()) & ~people.index.isin(race.index)
        people.loc[unknown, list(RACES)] = [float(one == group) for one in RACES]
    people["male"] = male.reindex(index)
    people["born"] = (sums.years / sums.total).reindex(index)
    people["births"] = sums.total.reindex(index).fillna(0)
    people["seen"] = seen.reindex(index).fillna(0)
    people["sex"] = [_sex(share) for share in people.male]
    lower = people.index.str.lower()
    taken = {name.lower() for names in hand["words"].values() for name in names}
    other = {word for text in (PLACES, LEFT_OUT, OTHER_CAPITALS) for word in text.split()}
    usable = ~lower.isin(small | other | taken | _demonyms(folder)) & (people.index.str.len() > 1)
    written = births.set_index(births.name.str.upper()).name.groupby(level=0).first()
    people["written"] = written.reindex(index).fillna(pd.Series(index.str.title(), index=index))
    people["surname"] = _surname_ranks(folder).reindex(lower).to_numpy()
    return people[usable & people.index.str.fullmatch(r"[A-Z]+")]


def _own_names(sex: str) -> pd.Series:
    names = [name for (_, one), some in BY_HAND.items() if one == sex for name in some.split()]
    return pd.Series(float(sex == "male"), index=[name.upper() for name in names])


def _sex(share: float) -> str:
    if share >= ONE_SEX:
        return "male"
    return "female" if share <= 1 - ONE_SEX else ""


def _races(folder: Path, york: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """P of each race for each first name: of Tzioumis, and where he lacks it of New York."""
    table = pd.read_csv(folder / "firstnames_race_tzioumis2018.csv.gz").set_index("firstname")
    table = table.iloc[:-1].rename(columns={column: race for race, column in COLUMNS.items()})
    share = table[list(RACES)].mul(table.obs, axis=0).sum() / table.obs.sum()
    applicants = _weighted(table[list(RACES)], share)
    mothers = york.pivot_table(index="name", columns="mother", values="count", aggfunc="sum")
    mothers = mothers.fillna(0).rename(columns={name: race for race, name in MOTHERS.items()})
    counted = mothers.sum(axis=1)
    newborn = _weighted(mothers[list(RACES)], mothers.sum() / mothers.to_numpy().sum())
    return applicants.combine_first(newborn), table.obs.astype(float).combine_first(counted / 50)


def _weighted(table: pd.DataFrame, share: pd.Series) -> pd.DataFrame:
    weighted = table * pd.Series(SHARES) / share[list(RACES)]
    return weighted.div(weighted.sum(axis=1), axis=0)


def _demonyms(folder: Path) -> set[str]:
    """The countries and their peoples: Chad, Thai, Georgia."""
    table = pd.read_csv(folder.parent / "lexicons/countries_demonyms.csv", keep_default_na=False)
    return {str(cell).lower() for column in table for cell in table[column]}


def _surname_ranks(folder: Path) -> pd.Series:
    surnames = pd.read_parquet(folder / "surnames_census_2000_2010.parquet").surname
    return pd.Series(range(1, len(surnames) + 1), index=surnames)


def _first_rows(people: pd.DataFrame, hand: dict) -> tuple[list[list[str]], pd.DataFrame]:
    """The rows of eight, and the people whose names found none."""
    by_hand = _by_hand(hand)
    last = {name.lower() for names in hand["last"].values() for name in names}
    free = people[~people.written.str.lower().isin(by_hand | last)]
    pools: dict[tuple[str, str], pd.DataFrame] = {}
    for race in RACES:
        for sex in SEXES:
            telling = free[(free[race] >= TELLS[race]) & (free.sex == sex) & _is_first(free)]
            order = ["sure", "seen", "births"] if race == "black" else ["seen", "births"]
            telling = telling.assign(sure=telling[race].round(1))
            pools[race, sex] = telling.sort_values(order, ascending=False)
    extra = {
        sex: _capitals_inside(people, pools["black", sex], hand["first"]["black"][sex])
        for sex in SEXES
    }
    inside = min(map(len, extra.values()))
    n = min(len(pool) - inside * (race != "black") for (race, _), pool in pools.items())
    spare = {key: list(pool.iloc[n:].written) for key, pool in pools.items()}
    for sex in SEXES:
        spare["black", sex] = extra[sex]
        spare["hispanic", sex] = [*ACCENTED_FIRST[sex].split(), *spare["hispanic", sex]]
    m = min(map(len, spare.values()))
    columns = []
    for race in RACES:
        men, women = (_by_generation(pools[race, sex].head(n)) for sex in SEXES)
        men, women = _ending_alike(men, women)
        columns += [men + spare[race, "male"][:m], women + spare[race, "female"][:m]]
    used = {name for column in columns for name in column}
    return [list(row) for row in zip(*columns, strict=True)], free[~free.written.isin(used)]


def _by_hand(hand: dict) -> set[str]:
    """The first names of name.yaml, in small letters."""
    groups = [one for key in ("first", "first words") for one in hand[key].values()]
    lists = [names for one in [*groups, hand["words"]] for names in one.values()]
    return {name.lower() for names in lists for name in names}


def _is_first(people: pd.DataFrame) -> pd.Series:
    """No surname that is far more often one: Jackson, Tran."""
    return ~((people.surname <= 400) & (people.births < 20_000))


def _by_generation(chosen: pd.DataFrame) -> list[str]:
    born = chosen.born.fillna(chosen.born.median())
    return list(chosen.assign(born=born).sort_values(["born", "written"]).written)


def _ending_alike(men: list[str], women: list[str]) -> tuple[list[str], list[str]]:
    """Both in their order, but names in -s side by side (James' car, Frances' car)."""
    n = min(sum(name.endswith("s") for name in names) for names in (men, women))
    found = []
    for names in (men, women):
        ending = [name for name in names if name.endswith("s")][:n]
        found.append(ending + [name for name in names if name not in ending])
    return found[0], found[1]


def _capitals_inside(people: pd.DataFrame, pool: pd.DataFrame, by_hand: list[str]) -> list[str]:
    """DeShawn of Deshawn: the same name, written otherwise."""
    found = []
    for name in [*by_hand, *pool.written]:
        prefix = CAPITALS_INSIDE.match(name)
        if prefix is not None:
            found.append(prefix.group() + name[prefix.end() :].capitalize())
    return list(dict.fromkeys(found))


def _last_rows(
    folder: Path, hand: dict, small: set[str]
) -> tuple[list[list[str]], list[str], list[str]]:
    every = pd.read_parquet(folder / "surnames_census_2000_2010.parquet")
    shares = {"white": "p_white", "black": "p_black", "hispanic": "p_hispanic", "asian": "p_api"}
    table = every.head(LAST_RANK)
    by_hand = {name.lower() for names in hand["last"].values() for name in names}
    table = table[~table.surname.isin(by_hand | small) & table.surname.str.fullmatch("[a-z]{2,}")]
    pools = {race: table[table[shares[race]] >= LAST_TELLS[race]].surname for race in RACES}
    n = min(map(len, pools.values()))
    rows = [
        [_surname(name) for name in row] for row in zip(*(pools[r][:n] for r in RACES), strict=True)
    ]
    spare = {race: [_surname(name) for name in pools[race][n:]] for race in RACES}
    black = [_surname(n) for n in table[table.p_black.between(0.4, LAST_TELLS["black"])].surname]
    accents = [*ACCENTED_LAST.split()]
    asian = [*ASIAN_ACCENTED_LAST.split(), *spare["asian"]]
    k = min(len(accents), len(asian), len(black), len(spare["white"]))
    rows += [
        list(r) for r in zip(spare["white"][:k], black[:k], accents[:k], asian[:k], strict=True)
    ]
    rows += [
        [_two_words(name) for name in line.split()] for line in TWO_WORDS_LAST.strip().splitlines()
    ]
    taken = {name.lower() for row in rows for name in row} | by_hand
    ranked = table.head(LONE_RANK)
    lone = [
        _surname(name)
        for race in ("black", "hispanic", "asian")
        for name in ranked[ranked[shares[race]] >= max(0.7, LAST_TELLS[race])].surname
        if _plain(name) not in {_plain(one) for one in taken}
    ]
    kept = _once(rows, {name for names in hand["last"].values() for name in names})
    told = {name.lower() for row in kept for name in row} | by_hand | {n.lower() for n in lone}
    plain = every.head(COMMON_RANK)
    minority = plain[[shares[race] for race in RACES[1:]]].max(axis=1)
    common = [name for name in plain[minority < 0.5].surname if name not in told]
    return kept, sorted(set(lone)), sorted(common)


def _once(rows: list[list[str]], seen: set[str]) -> list[list[str]]:
    """The rows in which no name stands that was `seen` or stands in an earlier row."""
    kept = []
    for row in rows:
        if not seen.intersection(row):
            kept.append(row)
            seen.update(row)
    return kept


def _two_words(name: str) -> str:
    return name if name == "McDowell-Banks" else name.replace("-", " ")


def _plain(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", name.lower()) if c.isalpha())


def _surname(name: str) -> str:
    """As it is written: McNair, O'Neal, Delacruz."""
    if re.match(r"mc[bcdfghjklmnpqrstvw][a-z]{2}", name) or re.match(r"mc[aeiou][a-z]{3}", name):
        return "Mc" + name[2:].capitalize()
    return name.capitalize()


def _pairs(rest: pd.DataFrame) -> list[list[str]]:
    """A man's beside a woman's name of the same generation, by gender alone."""
    known = rest[(rest.births >= FEWEST_BIRTHS) & (rest.sex != "")]
    known = known[~((known.surname <= 3_000) & (known.births < 150_000))]
    each = {sex: known[known.sex == sex].sort_values("births", ascending=False) for sex in SEXES}
    n = min(map(len, each.values()))
    columns = _ending_alike(*(_by_generation(each[sex].head(n)) for sex in SEXES))
    return [list(row) for row in zip(*columns, strict=True)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
