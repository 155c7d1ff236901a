"""Languages by code (ISO 639-1) and English name. A project may use any tag of this form, such as `pt-BR`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from models.errors import InvalidState, InvalidValue, NotFound

TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
LONGEST = 35
MOST = 100  # languages of one project

_LISTED = """
aa Afar; ab Abkhazian; ae Avestan; af Afrikaans; ak Akan; am Amharic; an Aragonese; ar Arabic; as Assamese; av Avaric; ay Aymara;
az Azerbaijani; ba Bashkir; be Belarusian; bg Bulgarian; bi Bislama; bm Bambara; bn Bengali; bo Tibetan; br Breton; bs Bosnian;
ca Catalan; ce Chechen; ch Chamorro; co Corsican; cr Cree; cs Czech; cu Church Slavic; cv Chuvash; cy Welsh; da Danish; de German;
dv Divehi; dz Dzongkha; ee Ewe; el Greek; en English; eo Esperanto; es Spanish; et Estonian; eu Basque; fa Persian; ff Fulah;
fi Finnish; fj Fijian; fo Faroese; fr French; fy Western Frisian; ga Irish; gd Scottish Gaelic; gl Galician; gn Guarani;
gu Gujarati; gv Manx; ha Hausa; he Hebrew; hi Hindi; ho Hiri Motu; hr Croatian; ht Haitian Creole; hu Hungarian; hy Armenian;
hz Herero; ia Interlingua; id Indonesian; ie Interlingue; ig Igbo; ii Sichuan Yi; ik Inupiaq; io Ido; is Icelandic; it Italian;
iu Inuktitut; ja Japanese; jv Javanese; ka Georgian; kg Kongo; ki Kikuyu; kj Kuanyama; kk Kazakh; kl Kalaallisut; km Khmer;
kn Kannada; ko Korean; kr Kanuri; ks Kashmiri; ku Kurdish; kv Komi; kw Cornish; ky Kyrgyz; la Latin; lb Luxembourgish; lg Ganda;
li Limburgish; ln Lingala; lo Lao; lt Lithuanian; lu Luba-Katanga; lv Latvian; mg Malagasy; mh Marshallese; mi Maori;
mk Macedonian; ml Malayalam; mn Mongolian; mr Marathi; ms Malay; mt Maltese; my Burmese; na Nauru; nb Norwegian Bokmål;
nd North Ndebele; ne Nepali; ng Ndonga; nl Dutch; nn Norwegian Nynorsk; no Norwegian; nr South Ndebele; nv Navajo; ny Nyanja;
oc Occitan; oj Ojibwa; om Oromo; or Odia; os Ossetic; pa Punjabi; pi Pali; pl Polish; ps Pashto; pt Portuguese; qu Quechua;
rm Romansh; rn Rundi; ro Romanian; ru Russian; rw Kinyarwanda; sa Sanskrit; sc Sardinian; sd Sindhi; se Northern Sami; sg Sango;
si Sinhala; sk Slovak; sl Slovenian; sm Samoan; sn Shona; so Somali; sq Albanian; sr Serbian; ss Swati; st Southern Sotho;
su Sundanese; sv Swedish; sw Swahili; ta Tamil; te Telugu; tg Tajik; th Thai; ti Tigrinya; tk Turkmen; tl Tagalog; tn Tswana;
to Tongan; tr Turkish; ts Tsonga; tt Tatar; tw Twi; ty Tahitian; ug Uyghur; uk Ukrainian; ur Urdu; uz Uzbek; ve Venda;
vi Vietnamese; vo Volapük; wa Walloon; wo Wolof; xh Xhosa; yi Yiddish; yo Yoruba; za Zhuang; zh Chinese; zu Zulu
"""
NAMES = {code: name for code, _, name in (entry.strip().partition(" ") for entry in _LISTED.split(";"))}


def is_language(text: str) -> bool:
    """Say whether a text has the form of a language tag."""
    return len(text) <= LONGEST and TAG.fullmatch(text) is not None


def named(languages: Iterable[str] = ()) -> dict[str, str]:
    """Return the known languages by code, and those asked for; one without a name of its own is called as its first part is."""
    return NAMES | {code: name_of(code) for code in languages}


def name_of(code: str) -> str:
    """Return a language's name, as well as it is known."""
    first, _, rest = code.partition("-")
    known = NAMES.get(first, first)
    return f"{known} ({rest})" if rest else known


def add_language(present: Sequence[str], language: str) -> list[str]:
    """Return a project's languages with one more; one that is there already changes nothing. Raises InvalidValue."""
    if not is_language(language):
        raise InvalidValue("This is no language tag.", pointer="/language")
    if len(present) >= MOST:
        raise InvalidValue(f"A project has at most {MOST} languages.", limit=MOST)
    return list(dict.fromkeys([*present, language]))


def remove_language(present: Sequence[str], language: str) -> list[str]:
    """Return a project's languages without one. Raises NotFound, and InvalidState for the last one."""
    if language not in present:
        raise NotFound("This is no language of the project.")
    if len(present) == 1:
        raise InvalidState("A project has a language.")
    return [other for other in present if other != language]
