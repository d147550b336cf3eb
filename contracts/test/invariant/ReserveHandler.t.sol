// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IRewardReserve} from "../../src/interfaces/IRewardReserve.sol";
import {ReserveBase} from "../ReserveBase.t.sol";

/// @notice The reserve under random use: periods that are run, reported and closed or left out, fees, seizures, gifts,
///         stake that comes and goes, operators that move, claims in time and too late. It checks each step against what a
///         naive bookkeeper expects.
contract ReserveHandler is ReserveBase {
    uint256 private constant DOMAINS = 3;
    uint256 private constant MAX_GIFT = 20_000 ether;
    uint256 private constant MAX_FEE = 3000 ether;

    /// @dev Tokens that were given to the reserve, that payers paid, and that left the reserve by claims and the burn.
    uint256 private _given;
    uint256 private _fees;
    uint256 private _paid;
    uint256 private _burned;
    uint64 private _lastRun;
    uint64[] private _reported;
    uint64[] private _closed;
    mapping(uint64 period => uint256) private _released;
    mapping(uint64 period => uint256) private _paidOf;
    mapping(uint64 period => mapping(bytes32 domain => uint256)) private _paidTo;
    mapping(uint64 period => mapping(address operator => uint256)) private _enrolled;

    function setUp() public override {
        super.setUp();
        _endow(MAX_GIFT);
        _given = MAX_GIFT;
    }

    // Actions. None may revert: what cannot be done is not tried.

    /// @dev The present period where it was prepared, else the next, whose result is reported for some.
    function runPeriod(uint256 random) external {
        random = _spread(random);
        uint64 period = _now() < GENESIS ? 0 : ledger.periodAt(_now());
        if (committeeOf[period].length == 0 || period <= _lastRun) {
            ++period;
            if (committeeOf[period].length == 0) _draw(period);
            _enrolSome(period, random >> 8);
        }
        if (committeeOf[period + 1].length == 0) _draw(period + 1);
        _enrolSome(period + 1, random >> 16);
        // The index is below the number of operators.
        // forge-lint: disable-next-line(unsafe-typecast)
        (observedWords, upWords) = _downFor(uint32(random % OPERATORS), (random >> 24) % 4);
        _warpTo(_periodStart(period + 1));
        uint32[] memory members = committeeOf[period];
        ledger.post(period, members, _reports(period, members, observedWords, upWords));
        _finalize(period);
        _lastRun = period;
        _reportSome(period, random);
    }

    /// @dev The oldest period that can be closed and has weight, else the newest that can be.
    function close() external {
        uint64 next = rewardReserve.nextPeriod();
        if (_now() < rewardReserve.closesAt(next)) return;
        for (uint64 i = 0; i < 200; ++i) {
            bool last = _now() < rewardReserve.closesAt(next + 1);
            if (last || rewardReserve.periodOf(next).weight != 0) break;
            ++next;
        }
        _closeChecked(next);
    }

    function claim(uint256 periodSeed, uint256 operatorSeed) external {
        if (_closed.length == 0) return;
        _claimChecked(_closed[periodSeed % _closed.length], operators[operatorSeed % OPERATORS]);
    }

    function pay(uint256 operatorSeed, uint256 fee) external {
        fee = 1 + _spread(fee) % MAX_FEE;
        // forge-lint: disable-next-line(unsafe-typecast)
        _pay(operators[operatorSeed % OPERATORS], uint128(fee));
        _fees += fee;
    }

    function seize(uint256 operatorSeed, uint256 amount, uint256 cutBps) external {
        vm.prank(address(slasher));
        settlement.seize(
            _seizure(operators[operatorSeed % OPERATORS], _spread(amount) % MAX_FEE, cutBps % 2001, reporter)
        );
    }

    function changeStake(uint256 operatorSeed, uint256 random) external {
        uint256 index = operatorSeed % OPERATORS;
        address operator = operators[index];
        random = _spread(random);
        uint256 held = _sharesOf(operator, alice);
        // The other five stay bonded, for a committee.
        if (random % 8 == 0 && index < 2) _slash(operator, (random >> 8) % OWN_STAKE, 0);
        else if (random % 2 == 0 && held != 0) _thaw(alice, operator, held);
        else if (vault.isBonded(operator)) _delegate(alice, operator, MIN_DEPOSIT + (random >> 8) % (50 * OWN_STAKE));
    }

    function move(uint256 operatorSeed, uint256 domain) external {
        _declare(operators[operatorSeed % OPERATORS], bytes32(1 + domain % DOMAINS));
    }

    function endow(uint256 amount) external {
        amount = _spread(amount) % MAX_GIFT;
        _endow(amount);
        _given += amount;
    }

    function collect() external {
        if (settlement.credited(reserve) != 0) settlement.collect(reserve);
    }

    /// @dev Burns, and expires what can be.
    function tidy(uint256 periodSeed) external {
        if (rewardReserve.unburned() != 0) _burned += rewardReserve.burn();
        if (_closed.length != 0) _expire(_closed[periodSeed % _closed.length]);
    }

    function wait(uint256 duration) external {
        duration = _spread(duration);
        _skip(uint64(duration % 8 == 0 ? REWARD_CLAIM : duration % 2 days));
    }

    // What must hold.

    function checkBooks() external view {
        uint256 books = rewardReserve.funds() + rewardReserve.owed() + rewardReserve.unburned();
        assertGe(feeToken.balanceOf(reserve), books, "tokens held are no less than tokens booked");
        assertEq(feeToken.balanceOf(rewardReserve.BURN()), _burned);
    }

    function checkPeriods() external view {
        uint256 owed = 0;
        for (uint256 i = 0; i < _closed.length; ++i) {
            uint64 period = _closed[i];
            IRewardReserve.Period memory stored = rewardReserve.periodOf(period);
            assertEq(stored.paid, _paidOf[period], "paid");
            assertLe(_paidOf[period], _released[period], "no more is paid than was released");
            for (uint256 domain = 1; domain <= OPERATORS; ++domain) {
                assertLe(
                    _paidTo[period][bytes32(domain)],
                    _released[period] * 1500 / 10_000,
                    "no domain gets more than its limit"
                );
            }
            owed += stored.release - stored.paid;
        }
        assertEq(rewardReserve.owed(), owed, "what is owed is what was not paid");
    }

    function everythingIsPaid() external {
        while (_reported.length != 0 && _reported[_reported.length - 1] >= rewardReserve.nextPeriod()) {
            uint64 last = _reported[_reported.length - 1];
            if (_now() < rewardReserve.closesAt(last)) _warpTo(rewardReserve.closesAt(last));
            this.close();
        }
        for (uint256 i = 0; i < _closed.length; ++i) {
            for (uint256 j = 0; j < OPERATORS; ++j) {
                _claimChecked(_closed[i], operators[j]);
            }
        }
        _skip(REWARD_CLAIM);
        for (uint256 i = 0; i < _closed.length; ++i) {
            _expire(_closed[i]);
        }
        this.collect();
        this.tidy(0);
        assertEq(rewardReserve.owed() + rewardReserve.unburned(), 0, "nothing is stuck");
        assertEq(
            feeToken.balanceOf(reserve) + _paid + _burned,
            _given + _fees - feeToken.balanceOf(address(settlement)),
            "every base unit is accounted for"
        );
    }

    // The bookkeeper.

    function _enrolSome(uint64 period, uint256 random) private {
        for (uint256 i = 0; i < OPERATORS; ++i) {
            uint256 collateral = vault.collateral(operators[i]);
            if ((random >> i) & 1 == 0 || collateral == 0) continue;
            assertEq(rewardReserve.enrol(operators[i]), period);
            _enrolled[period][operators[i]] = collateral;
        }
    }

    /// @dev Who has something to report; its weight is counted slot by slot here.
    function _reportSome(uint64 period, uint256 random) private {
        bool any = false;
        for (uint256 i = 0; i < OPERATORS; ++i) {
            if ((random >> (32 + i)) & 1 == 0) continue;
            uint256 collateral = vault.collateral(operators[i]);
            uint256 enrolled = _enrolled[period][operators[i]];
            uint256 weight = (collateral < enrolled ? collateral : enrolled) * _availability(i) / 10_000;
            if (weight == 0) continue;
            assertEq(_reportOne(period, operators[i]), weight, "weight");
            any = true;
        }
        if (any) _reported.push(period);
    }

    function _availability(uint256 index) private view returns (uint256) {
        uint256 missed = 0;
        for (uint256 slot = 0; slot < SLOTS; ++slot) {
            if ((upWords[slot] >> index) & 1 == 0) ++missed;
        }
        return missed == 0 ? 10_000 : missed == 1 ? 1693 : 0;
    }

    function _closeChecked(uint64 period) private {
        uint256 unbooked = feeToken.balanceOf(reserve) + settlement.credited(reserve) - rewardReserve.funds()
            - rewardReserve.owed() - rewardReserve.unburned();
        uint256 available = rewardReserve.funds() + unbooked;
        uint256 unburned = rewardReserve.unburned();
        rewardReserve.close(period);

        uint256 release = _releaseOf(period);
        assertLe(release, available * 4992 / 1_000_000, "half a percent of the reserve a day");
        assertLe(release, uint256(rewardReserve.periodOf(period).weight) * 24 ether / FLOOR, "no more than the wages");
        uint256 burned = rewardReserve.unburned() - unburned;
        assertTrue(release == 0 || burned == 0, "a shortfall is no surplus");
        assertEq(rewardReserve.funds(), available - release - burned);
        if (rewardReserve.periodOf(period).weight == 0) return;
        _closed.push(period);
        _released[period] = release;
    }

    function _claimChecked(uint64 period, address operator) private {
        uint256 reward = rewardReserve.reward(period, operator);
        if (reward == 0) return;
        bytes32 domain = rewardReserve.entryOf(period, operator).domain;
        assertEq(rewardReserve.claim(period, operator), reward, "a claim pays what the reserve says");
        assertEq(rewardReserve.reward(period, operator), 0, "once");
        _paid += reward;
        _paidOf[period] += reward;
        _paidTo[period][domain] += reward;
    }

    function _expire(uint64 period) private {
        IRewardReserve.Period memory stored = rewardReserve.periodOf(period);
        if (_now() < stored.expiresAt || stored.release == stored.paid) return;
        assertEq(rewardReserve.expire(period), stored.release - stored.paid);
    }

    /// @dev The fuzzer's small numbers and its huge ones alike become numbers of any size.
    function _spread(uint256 random) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(random)));
    }
}
