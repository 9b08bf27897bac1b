"""What mail programs write above a quote, in the languages of the mail that a European desk gets, and some more."""

import re


def _phrases(text: str) -> frozenset[str]:
    return frozenset(text.split("|"))


def _kinds(**labels: str) -> dict[str, str]:
    return {label: kind.rstrip("_") for kind, text in labels.items() for label in text.split("|")}


# The header lines that Outlook and its like repeat above the older mail, in lower case -> what they stand for.
HEADER_KINDS = _kinds(
    from_="from|von|de|da|van|från|fra|od|lähettäjä|feladó|от|kimden|expéditeur|remitente|差出人|发件人|寄件者"
    "|보낸 사람",
    sent="sent|date|gesendet|datum|envoyé|envoyé le|enviado el|enviado|enviada em|enviada|fecha|data|verzonden|inviato"
    "|skickat|sendt|dato|wysłano|wysłane|odesláno|lähetetty|päiväys|elküldve|dátum|отправлено|дата|gönderildi|tarih"
    "|gönderme tarihi|送信日時|日時|发送时间|日期|寄件日期|보낸 날짜",
    to="to|an|à|a|para|aan|till|til|do|komu|vastaanottaja|címzett|кому|kime|destinataire|宛先|收件人|收件者|받는 사람",
    subject="subject|betreff|objet|asunto|assunto|onderwerp|oggetto|ämne|emne|temat|předmět|aihe|tárgy|тема|konu"
    "|件名|主题|主旨|제목",
)

# Between dashes: "-----Original Message-----".
HISTORY_SEPARATORS = _phrases(
    "original message|original appointment|ursprüngliche nachricht|original-nachricht|originalnachricht"
    "|ursprünglicher termin|message d'origine|message d\u2019origine|message original|mensaje original"
    "|oorspronkelijk bericht|origineel bericht|messaggio originale|mensagem original|ursprungligt meddelande"
    "|originalmeddelande|oprindelig meddelelse|opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna"
    "|oryginalna wiadomość|původní zpráva|eredeti üzenet|исходное сообщение|özgün ileti|原始邮件|邮件原件|原始郵件"
)

FORWARD_MARKS = _phrases(
    "forwarded message|begin forwarded message|weitergeleitete nachricht|anfang der weitergeleiteten nachricht"
    "|forwarded by|message transféré|début du message transféré|début du message réexpédié|mensaje reenviado"
    "|inicio del mensaje reenviado|doorgestuurd bericht|begin doorgestuurd bericht|messaggio inoltrato"
    "|inizio messaggio inoltrato|mensagem encaminhada|início da mensagem encaminhada|vidarebefordrat meddelande"
    "|videresendt meddelelse|videresendt melding|przekazana wiadomość|přeposlaná zpráva|пересылаемое сообщение"
    "|转发的邮件|轉寄郵件"
)
FORWARD_SUBJECT = re.compile(
    r"(?:\[[^\]]{1,60}\]\s*){0,3}(?:fwd?|wg|tr|rv|i|enc|doorst|vb|vl|vs|pd|转发|轉寄)\s?[:\uff1a]", re.IGNORECASE
)

ANSWER_SUBJECT = re.compile(
    r"(?:^|[\]\s:\uff1a])(?:re|aw|sv|antw|antwort|res|rif|r|odp|vs|vá|ynt|ответ|отв|回复|回覆|答复|返信|답장)"
    r"\s?(?:\[\d{1,4}\]|\(\d{1,4}\)|\^\d{1,4})?\s?[:\uff1a]",
    re.IGNORECASE,
)

# "On Monday, Jane Doe <jane@example.com> wrote:", whole or wrapped over up to three lines.
ATTRIBUTION_OPENING = re.compile(
    r"(?:on|am|le|el|op|il|em|den|dne|dnia|w dniu|på|en|lun|mar|mer|jeu|ven)\b", re.IGNORECASE
)
ATTRIBUTION_VERB = re.compile(
    r"\b(?:wrote|schrieb|a écrit|écrit|escribió|schreef|geschreven|ha scritto|escreveu|skrev|napisał|napisała|napsal"
    r"|kirjoitti|ezt írta|írta|написала?|пишет|пише|yazd\u0131|writes|pisze|a scris|έγραψε)\b"
    r"|写道|寫道|作成しました|님이 작성|のメール",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"\w@\w")
DATE = re.compile(r"\b(?:19|20)\d\d\b|\d[./-]\d{1,2}[./-]\d\d\b|\d年|\d년")
TIME = re.compile(r"\d[:.h]\d\d")

# "My answers are in red": then what looks like history is not.
ANSWERS_WITHIN = re.compile(
    r"\bin[- ]?line\b|\bin (?:red|blue|green|rot|blau|grün|rood|rosso|rojo)\b|\ben (?:rouge|bleu|vert|rojo|azul)\b"
    r"|\b(?:answers?|comments?|repl(?:y|ies)|remarks?|responses?)\b.{0,30}\b(?:below|within)\b"
    r"|\b(?:antwort|kommentare?|anmerkung)(?:en)?\b.{0,30}\b(?:unten|untenstehend|im text)\b"
    r"|\b(?:réponses?|commentaires?)\b.{0,30}\b(?:ci-dessous|dans le texte)\b",
    re.IGNORECASE,
)

# Last lines that a telephone or a tablet adds. "Sent via DHL on Monday" is none of them.
_PRODUCT = (
    r"(?:the |der |dem |l'application )?(?:e-?mail|mail|outlook|yahoo|gmail|gmx|web\.de|aol|proton|tutanota|thunderbird"
    r"|blackberry|bluemail|iphone|ipad|android|samsung|galaxy|huawei|xiaomi|pixel|nine|spark|airmail|windows|courrier"
    r"|correo|posta|poczt)"
)
DEVICE_SIGNATURE = re.compile(
    rf"(?:sent (?:from|via|with|using) (?:my |{_PRODUCT})|get outlook for |von meinem .{{1,40}} gesendet"
    rf"|gesendet (?:von|mit) (?:meine|{_PRODUCT})|diese nachricht wurde von meinem"
    r"|outlook für .{1,20} (?:herunterladen|beziehen)|holen sie sich outlook"
    rf"|envoyé (?:de|depuis|à partir de|avec) (?:mon |{_PRODUCT})|télécharger outlook|obtenir outlook"
    rf"|enviado (?:desde|do) (?:mi |meu |{_PRODUCT})|obtener outlook"
    rf"|(?:verzonden|verstuurd) (?:vanaf|met|via) (?:mijn |{_PRODUCT})|outlook voor .{{1,20}} downloaden"
    rf"|inviato da(?:l mio | mio | {_PRODUCT})|ottieni outlook|skickat från min |sendt fra min "
    rf"|wysłan[eo] z (?:mojego |{_PRODUCT}))",
    re.IGNORECASE,
)

# Closings that nobody uses in the middle of a mail.
CLOSING = re.compile(
    r"(?:(?:kind|best|warm|with kind|with best)(?:est)? (?:regards|wishes)|regards|yours (?:sincerely|faithfully|truly)"
    r"|sincerely(?: yours)?|many thanks and (?:kind|best) regards"
    r"|mit (?:freundlichen|besten|herzlichen|lieben|freundlichem) gr(?:ü|ue)(?:ß|ss)(?:en)?|(?:viele|beste|liebe|"
    r"freundliche|schöne|herzliche) grüße?|freundliche gr[uü]e?sse|mfg"
    r"|cordialement|bien cordialement|bien à vous|salutations distinguées|meilleures salutations"
    r"|saludos(?: cordiales)?|un (?:cordial )?saludo|atentamente|cordialmente"
    r"|met (?:vriendelijke|hartelijke) (?:groet(?:en)?)|vriendelijke groet(?:en)?|mvg"
    r"|cordiali saluti|distinti saluti|atenciosamente|med venlig hilsen|mvh|med vänliga hälsningar)"
    r"\W{0,3}",
    re.IGNORECASE,
)

# What nobody writes below a name unless it belongs to the mail.
AFTERTHOUGHT = re.compile(r"(?:p\.?\s?){1,2}s\.?(?:[:.,\s]|$)|n\.?b\.?[:.\s]|nachtrag\b|edit:", re.IGNORECASE)
