#pragma once
// The members of a plain aggregate, in order and by name, without a second list of them.

#include <array>
#include <cstddef>
#include <string_view>
#include <tapegrad/core/language.hpp>
#include <tuple>
#include <type_traits>

namespace tapegrad::op {

namespace detail {

/// Converts to whatever a member is.
struct AnyMember {
  template <class T>
  operator T() const;
};

template <class A, class... M>
constexpr std::size_t count_members() {
  if constexpr (requires { A{M{}..., AnyMember{}}; })
    return count_members<A, M..., AnyMember>();
  else
    return sizeof...(M);
}

}  // namespace detail

/// How many members aggregate A has.
template <class A>
inline constexpr std::size_t kMembers = detail::count_members<std::remove_cv_t<A>>();

/// f(member, …) of all members of `a`.
template <class A, class F>
constexpr decltype(auto) with_members(A& a, F&& f) {
  constexpr std::size_t n = kMembers<A>;
  static_assert(n <= 10, "an aggregate of an op has more than ten members: write the next case");
  if constexpr (n == 0) {
    return f();
  } else if constexpr (n == 1) {
    auto& [m0] = a;
    return f(m0);
  } else if constexpr (n == 2) {
    auto& [m0, m1] = a;
    return f(m0, m1);
  } else if constexpr (n == 3) {
    auto& [m0, m1, m2] = a;
    return f(m0, m1, m2);
  } else if constexpr (n == 4) {
    auto& [m0, m1, m2, m3] = a;
    return f(m0, m1, m2, m3);
  } else if constexpr (n == 5) {
    auto& [m0, m1, m2, m3, m4] = a;
    return f(m0, m1, m2, m3, m4);
  } else if constexpr (n == 6) {
    auto& [m0, m1, m2, m3, m4, m5] = a;
    return f(m0, m1, m2, m3, m4, m5);
  } else if constexpr (n == 7) {
    auto& [m0, m1, m2, m3, m4, m5, m6] = a;
    return f(m0, m1, m2, m3, m4, m5, m6);
  } else if constexpr (n == 8) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7] = a;
    return f(m0, m1, m2, m3, m4, m5, m6, m7);
  } else if constexpr (n == 9) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8] = a;
    return f(m0, m1, m2, m3, m4, m5, m6, m7, m8);
  } else {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9] = a;
    return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9);
  }
}

/// f(member) of each.
template <class A, class F>
constexpr void for_members(A& a, F&& f) {
  with_members(a, [&](auto&... m) { (f(m), ...); });
}

namespace detail {

// A member's name is read from the compiler's spelling of its address, which both g++ and clang end with the name. The
// object is declared only: nothing of it but addresses is used.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
template <class A>
struct Sample {
  A value;
};
template <class A>
extern const Sample<A> kSample;

template <class P>
struct Address {
  P pointer;
};
template <class P>
Address(P) -> Address<P>;

template <class A, std::size_t I>
constexpr auto address_of_member() {
  return with_members(kSample<A>.value, [](auto&... m) { return Address{std::get<I>(std::tuple{&m...})}; });
}
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

template <auto Pointer>  // clang spells only parameters that have a name
constexpr auto spelling() {
  return std::string_view(__PRETTY_FUNCTION__);
}

constexpr std::string_view last_name(std::string_view text) {
  constexpr auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  while (!text.empty() && !in_name(text.back())) text.remove_suffix(1);
  std::size_t first = text.size();
  while (first > 0 && in_name(text[first - 1])) --first;
  return text.substr(first);
}

template <class A, std::size_t... I>
constexpr std::array<std::string_view, sizeof...(I)> names_of(std::index_sequence<I...>) {
  return {last_name(spelling<address_of_member<A, I>()>())...};
}

}  // namespace detail

/// The members' names, in order.
template <class A>
inline constexpr std::array<std::string_view, kMembers<A>> kMemberNames =
    detail::names_of<A>(std::make_index_sequence<kMembers<A>>{});

}  // namespace tapegrad::op
