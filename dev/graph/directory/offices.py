"""Where the people of a made-up organization work, and as what."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Office:
    """One office; `usage_location` is a country by two letters, `prefix` how its telephone numbers begin."""

    name: str
    street: str
    city: str
    state: str | None
    postal_code: str
    country: str
    usage_location: str
    prefix: str


OFFICES = (
    Office("London HQ", "1 Finsbury Avenue", "London", None, "EC2M 2PF", "United Kingdom", "GB", "+44 20 7946"),
    Office("Manchester", "9 Quay Street", "Manchester", None, "M3 3JZ", "United Kingdom", "GB", "+44 161 496"),
    Office("München Süd", "Leopoldstraße 20", "München", "Bayern", "80802", "Deutschland", "DE", "+49 89 5550"),
    Office("Köln", "Domkloster 4", "Köln", None, "50667", "Deutschland", "DE", "+49 221 555"),
    Office("Paris Étoile", "12 avenue Foch", "Paris", None, "75116", "France", "FR", "+33 1 99 00"),
    Office("Madrid", "Calle de Alcalá 41", "Madrid", None, "28014", "España", "ES", "+34 91 555"),
    Office("Kraków", "Rynek Główny 7", "Kraków", None, "31-042", "Polska", "PL", "+48 12 555"),
    Office("Malmö", "Södergatan 3", "Malmö", None, "211 34", "Sverige", "SE", "+46 40 555"),
    Office("İstanbul", "İstiklal Caddesi 56", "İstanbul", None, "34433", "Türkiye", "TR", "+90 212 555"),
    Office("東京", "丸の内1-1", "千代田区", "東京都", "100-0005", "日本", "JP", "+81 3 5550"),
    Office("上海", "南京东路100号", "上海", None, "200001", "中国", "CN", "+86 21 5550"),
    Office("서울", "세종대로 110", "서울", None, "04524", "대한민국", "KR", "+82 2 555"),
    Office("New York", "350 Fifth Avenue", "New York", "NY", "10118", "United States", "US", "+1 212 555"),
    Office("São Paulo", "Avenida Paulista 900", "São Paulo", "SP", "01310-100", "Brasil", "BR", "+55 11 5550"),
    Office("Lagos", "14 Marina Road", "Lagos", None, "101241", "Nigeria", "NG", "+234 1 555"),
    Office("बेंगलुरु", "12 MG Road", "Bengaluru", "Karnataka", "560001", "India", "IN", "+91 80 5550"),
)

DEPARTMENTS: dict[str, tuple[str, ...]] = {
    "Engineering": ("Engineer", "Senior Engineer", "Architect", "Test Engineer"),
    "Sales": ("Account Manager", "Sales Representative", "Key Account Manager"),
    "Customer Support": ("Support Agent", "Senior Support Agent", "Team Lead"),
    "Finance": ("Accountant", "Controller", "Treasurer"),
    "Human Resources": ("Recruiter", "HR Partner", "Payroll Clerk"),
    "IT": ("System Administrator", "Network Engineer", "Service Desk Analyst"),
    "Legal & Compliance": ("Counsel", "Paralegal", "Compliance Officer"),
    "Marketing": ("Brand Manager", "Copywriter", "Designer"),
    "Manufacturing": ("Operator", "Shift Lead", "Maintenance Technician"),
    "Logistics": ("Dispatcher", "Warehouse Clerk", "Driver"),
    "Forschung & Entwicklung": ("Wissenschaftlerin", "Laborant", "Projektleiter"),
    "Facilities": ("Caretaker", "Receptionist", "Security Officer"),
}
