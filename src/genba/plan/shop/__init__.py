"""The flexible job shop and nothing more: compiled tabu search on plain arrays."""

from genba.plan.shop.bound import lower_bound
from genba.plan.shop.schedule import ShopSchedule, schedule_of
from genba.plan.shop.search import solve_shop
from genba.plan.shop.shop import Shop, shop_of_modes
from genba.plan.shop.words import assignments_of, shop_of_problem

__all__ = [
    "Shop",
    "ShopSchedule",
    "assignments_of",
    "lower_bound",
    "schedule_of",
    "shop_of_modes",
    "shop_of_problem",
    "solve_shop",
]
